//! `redis-cli` and `rabbitmqctl` for operators, aimed at the stack's own servers.

use std::fmt::Write;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

use crate::private_file;
use crate::programs::RABBITMQ_SCRIPTS;
use crate::rabbitmq::RabbitMqConfig;
use crate::redis::RedisConfig;

/// Writes the scripts `redis-cli` and `rabbitmqctl` into `dir`: they take the arguments of the
/// programs they are named for.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(
    dir: &Path,
    redis: &RedisConfig,
    rabbitmq: &RabbitMqConfig,
) -> anyhow::Result<()> {
    let password = redis.password.as_deref().unwrap_or_default();
    write_script(
        &dir.join("redis-cli"),
        &format!(
            "REDISCLI_AUTH={password} exec redis-cli -p {} \"$@\"\n",
            redis.port
        ),
    )?;
    let mut script = String::new();
    for (key, value) in rabbitmq.erlang_env() {
        let value = value.to_string_lossy().replace('\'', r"'\''");
        writeln!(script, "export {key}='{value}'")?;
    }
    writeln!(
        script,
        "export RABBITMQ_CTL_ERL_ARGS='-kernel inet_dist_use_interface {{127,0,0,1}}'\n\
         exec {RABBITMQ_SCRIPTS}/rabbitmqctl \"$@\""
    )?;
    write_script(&dir.join("rabbitmqctl"), &script)
}

fn write_script(path: &Path, script: &str) -> anyhow::Result<()> {
    private_file::write(path, &format!("#!/bin/sh\n{script}"))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
        .with_context(|| format!("cannot make {} executable", path.display()))
}
