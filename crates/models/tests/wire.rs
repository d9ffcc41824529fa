//! The wire contract: the schemas in `proto/schemas` are those of the Rust types, and every golden sample in
//! `proto/samples` is read and written back unchanged.

use std::{env, fs, path::PathBuf};

use models::{Chat, Room, User, events, schemas};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

fn proto(folder: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto")).join(folder)
}

#[test]
fn schemas_are_those_of_the_types() {
    let update = env::var_os("UPDATE_SCHEMAS").is_some();
    for named in schemas::all() {
        let file = proto("schemas").join(format!("{}.json", named.name));
        let made = serde_json::to_string_pretty(&named.schema).unwrap() + "\n";
        if update {
            fs::write(&file, &made).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            kept,
            made,
            "{} is not what the Rust type says: UPDATE_SCHEMAS=1 cargo test -p models, then npm run types",
            file.display()
        );
    }
}

fn round_trips<T: Serialize + DeserializeOwned>(sample: &Value) -> Result<(), String> {
    let read: T = serde_json::from_value(sample.clone()).map_err(|e| e.to_string())?;
    let written = serde_json::to_value(read).map_err(|e| e.to_string())?;
    if &written == sample {
        Ok(())
    } else {
        Err(format!("written back as {written}"))
    }
}

#[test]
fn golden_samples_round_trip() {
    let names: Vec<_> = schemas::all().iter().map(|named| named.name).collect();
    for name in names {
        let file = proto("samples").join(format!("{name}.json"));
        let samples: Vec<Value> =
            serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert!(!samples.is_empty(), "{} has no sample", file.display());
        for sample in &samples {
            let result = match name {
                "AddChat" => round_trips::<events::AddChat>(sample),
                "AddChatAck" => round_trips::<events::Accepted<events::Stored>>(sample),
                "AddRoom" => round_trips::<events::AddRoom>(sample),
                "AddRoomAck" => round_trips::<events::Accepted<events::Entered>>(sample),
                "Chat" => round_trips::<Chat>(sample),
                "GetChat" => round_trips::<events::GetChat>(sample),
                "GetChatAck" => round_trips::<events::Accepted<events::Chats>>(sample),
                "GetMeAck" => round_trips::<events::Accepted<events::Me>>(sample),
                "GetRoomAck" => round_trips::<events::Accepted<events::Rooms>>(sample),
                "GetUser" => round_trips::<events::GetUser>(sample),
                "GetUserAck" => round_trips::<events::Accepted<events::Users>>(sample),
                "Refused" => round_trips::<events::Refused>(sample),
                "Room" => round_trips::<Room>(sample),
                "User" => round_trips::<User>(sample),
                "UserInRoom" => round_trips::<events::UserInRoom>(sample),
                other => panic!("no type named {other}"),
            };
            result.unwrap_or_else(|e| panic!("{}: {sample}: {e}", file.display()));
        }
    }
}
