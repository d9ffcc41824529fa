use serde::{Deserialize, Deserializer, de::Error};

/// Reads a list as a variable can hold it: entries between commas, with white space around them, or none at all.
///
/// # Errors
/// When `parse` takes an entry for none of what it should be, which `what` names for the message.
pub fn comma_separated<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    what: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            parse(entry).ok_or_else(|| D::Error::custom(format!("'{entry}' is not {what}")))
        })
        .collect()
}
