use std::{collections::HashMap, env, fs, path::PathBuf};

use config::{
    Config, ConfigBuilder, ConfigError, Environment, File, FileFormat, Map, Value,
    builder::DefaultState,
};
use serde::de::DeserializeOwned;

const PREFIX: &str = "PACKTCHAT__";
const FILE_VARIABLE: &str = "PACKTCHAT_CONFIG";

/// Why a service cannot start with the settings it was given; the text names the variable and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file named by a variable could not be read.
    #[error("{variable} names the file {path}, which cannot be read: {source}", path = path.display())]
    File {
        /// The variable.
        variable: String,
        /// What it says.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// A required value is missing.
    #[error(
        "{variable} is missing: set it in the environment, in the file {variable}_FILE names, or in the file {FILE_VARIABLE} names"
    )]
    Missing {
        /// The variable that would set it.
        variable: String,
    },
    /// A value is not of its type, or nobody knows its name.
    #[error("a setting is wrong: {0}")]
    Invalid(String),
}

/// Reads the settings of a process from its environment.
///
/// # Errors
/// When a value is missing, has the wrong type or an unknown name, or a file cannot be read.
pub fn load<T: DeserializeOwned>() -> Result<T, Error> {
    let file = env::var_os(FILE_VARIABLE).map(PathBuf::from);
    let vars =
        env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    load_from(vars, file)
}

/// Reads settings from these variables and this TOML file.
///
/// # Errors
/// As [`load`].
pub fn load_from<T: DeserializeOwned>(
    vars: impl IntoIterator<Item = (String, String)>,
    file: Option<PathBuf>,
) -> Result<T, Error> {
    let mut builder = Config::builder();
    if let Some(path) = file {
        let text = read(FILE_VARIABLE, &path)?;
        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let environment = Environment::default()
        .separator("__")
        .source(Some(ours(vars)?));
    let builder = builder.add_source(environment);
    deserialize(builder.clone()).or_else(|error| match missing_key(&error) {
        // A whole section is missing: read it as an empty one, to learn which of its values has no default.
        Some(section) if !section.contains('.') => builder
            .set_default(section, Map::<String, Value>::new())
            .and_then(deserialize)
            .map_err(|e| explain(&e)),
        _ => Err(explain(&error)),
    })
}

fn deserialize<T: DeserializeOwned>(
    builder: ConfigBuilder<DefaultState>,
) -> Result<T, ConfigError> {
    builder.build()?.try_deserialize()
}

/// The variables with our prefix, without it, and with files read.
fn ours(
    vars: impl IntoIterator<Item = (String, String)>,
) -> Result<HashMap<String, String>, Error> {
    let mut values = HashMap::new();
    for (variable, value) in vars {
        let Some(key) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if let Some(key) = key.strip_suffix("_FILE") {
            let text = read(&variable, &PathBuf::from(value))?;
            values.insert(
                key.to_owned(),
                text.trim_end_matches(['\r', '\n']).to_owned(),
            );
        } else {
            values.insert(key.to_owned(), value);
        }
    }
    Ok(values)
}

fn read(variable: &str, path: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::File {
        variable: variable.to_owned(),
        path: path.clone(),
        source,
    })
}

fn explain(error: &ConfigError) -> Error {
    match missing_key(error) {
        Some(key) => Error::Missing {
            variable: variable(&key),
        },
        None => Error::Invalid(format!(
            "{error} (a key `a.b` is the variable {PREFIX}A__B)"
        )),
    }
}

/// The dotted path of the value an error says is missing.
fn missing_key(error: &ConfigError) -> Option<String> {
    match error {
        ConfigError::NotFound(key) => Some(key.clone()),
        ConfigError::At { error, key, .. } => {
            let inner = missing_key(error)?;
            Some(match key {
                Some(outer) if !inner.starts_with(outer.as_str()) => format!("{outer}.{inner}"),
                _ => inner,
            })
        }
        _ => None,
    }
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde::Deserialize;

    use super::*;
    use crate::{AmqpSettings, LifecycleSettings, Secret, SessionSettings};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        amqp: AmqpSettings,
        session: SessionSettings,
        #[serde(default)]
        lifecycle: LifecycleSettings,
    }

    fn load(vars: &[(&str, &str)], file: Option<PathBuf>) -> Result<Sample, Error> {
        load_from(
            vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
            file,
        )
    }

    const URL: (&str, &str) = ("PACKTCHAT__AMQP__URL", "amqp://localhost");
    const SECRET: (&str, &str) = ("PACKTCHAT__SESSION__SECRET", "12345");

    #[test]
    fn a_variable_beats_the_file_beats_the_default() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "[lifecycle]\ngrace_ms = 7\ndeadline_ms = 8").unwrap();
        let vars = [
            URL,
            SECRET,
            ("PACKTCHAT__LIFECYCLE__GRACE_MS", "9"),
            ("PATH", "/bin"),
        ];
        let sample = load(&vars, Some(file.path().to_owned())).unwrap();
        assert_eq!(
            (sample.lifecycle.grace_ms, sample.lifecycle.deadline_ms),
            (9, 8)
        );
        assert_eq!(sample.session.idle_secs, 604_800);
        assert_eq!(sample.amqp.url.expose(), URL.1);
    }

    #[test]
    fn a_secret_made_of_digits_stays_text() {
        let vars = [URL, ("PACKTCHAT__SESSION__SECRET", "0012")];
        assert_eq!(load(&vars, None).unwrap().session.secret.expose(), "0012");
    }

    #[test]
    fn a_secret_comes_from_a_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "from a file").unwrap();
        let vars = [
            URL,
            (
                "PACKTCHAT__SESSION__SECRET_FILE",
                file.path().to_str().unwrap(),
            ),
        ];
        assert_eq!(
            load(&vars, None).unwrap().session.secret.expose(),
            "from a file"
        );
    }

    #[test]
    fn errors_name_the_variable() {
        let missing = load(&[URL, ("PACKTCHAT__SESSION__IDLE_SECS", "1")], None)
            .unwrap_err()
            .to_string();
        assert!(
            missing.contains("PACKTCHAT__SESSION__SECRET is missing"),
            "{missing}"
        );
        let missing = load(&[SECRET], None).unwrap_err().to_string();
        assert!(
            missing.contains("PACKTCHAT__AMQP__URL is missing"),
            "{missing}"
        );
        let file = load(
            &[("PACKTCHAT__SESSION__SECRET_FILE", "/nowhere/at/all")],
            None,
        )
        .unwrap_err()
        .to_string();
        assert!(
            file.contains("PACKTCHAT__SESSION__SECRET_FILE names the file /nowhere"),
            "{file}"
        );
        let wrong = load(
            &[URL, SECRET, ("PACKTCHAT__LIFECYCLE__GRACE_MS", "soon")],
            None,
        )
        .unwrap_err()
        .to_string();
        assert!(
            wrong.contains("lifecycle.grace_ms") && wrong.contains("soon"),
            "{wrong}"
        );
        let unknown = load(&[URL, SECRET, ("PACKTCHAT__LIFECYCLE__GRACE", "1")], None)
            .unwrap_err()
            .to_string();
        assert!(unknown.contains("grace"), "{unknown}");
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret::from("x")), "[redacted]");
    }
}
