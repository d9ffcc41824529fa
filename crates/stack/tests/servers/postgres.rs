use stack::{Postgres, postgres_database};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The request to use a database, by hand: `R` lets in, `E` refuses.
async fn answer(url: &str) -> std::io::Result<u8> {
    let (place, database) = url
        .strip_prefix("postgres://packtchat@")
        .and_then(|rest| rest.split_once('/'))
        .unwrap();
    let mut stream = TcpStream::connect(place).await?;
    let parameters = format!("\0\x03\0\0user\0packtchat\0database\0{database}\0\0");
    let length = i32::try_from(parameters.len() + 4).unwrap();
    stream.write_i32(length).await?;
    stream.write_all(parameters.as_bytes()).await?;
    // After the permission comes the database, which may not exist.
    let mut bytes = Vec::new();
    loop {
        let kind = stream.read_u8().await?;
        let length = usize::try_from(stream.read_i32().await? - 4).unwrap();
        bytes.resize(length, 0);
        stream.read_exact(&mut bytes).await?;
        if matches!(kind, b'Z' | b'E') {
            return Ok(kind);
        }
    }
}

#[tokio::test]
async fn has_the_databases_that_were_made_and_keeps_them() {
    let mut postgres = Postgres::start().await.unwrap();
    let url = postgres.create_database("one-1").await.unwrap();
    assert_eq!(answer(&url).await.unwrap(), b'Z');
    assert_eq!(answer(&url.replace("one", "two")).await.unwrap(), b'E');
    let twice = postgres.create_database("one-1").await.unwrap_err();
    assert!(twice.to_string().contains("already exists"), "{twice}");
    postgres.stop().await;
    assert!(answer(&url).await.is_err());
    postgres.restart().await.unwrap();
    assert_eq!(answer(&url).await.unwrap(), b'Z');
    // Killed, it would leave a segment of shared memory behind.
    postgres.stop().await;
}

#[tokio::test]
async fn tests_share_a_server_and_no_database() {
    let (one, two) = tokio::try_join!(postgres_database(), postgres_database()).unwrap();
    assert_ne!(one, two);
    assert_eq!(
        one.rsplit_once('/').unwrap().0,
        two.rsplit_once('/').unwrap().0
    );
    for url in [one, two] {
        assert_eq!(answer(&url).await.unwrap(), b'Z', "{url}");
    }
}
