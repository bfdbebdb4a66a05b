//! Secrets from files: whatever variable holds one, as `DATABASE_URL`, may be given as the path of a file by the same name with `_FILE`,
//! as orchestrators mount them. Nothing is listed here: an argument whose value the help hides is a secret.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::Path,
};

use anyhow::{Context as _, bail};
use clap::{Arg, Command};

/// `command` with the secrets of the subcommand that `line` calls, where `variable` names files for them. What the line says itself
/// comes first.
///
/// # Errors
/// Names the variables when both are set, and the file when it cannot be read.
pub(crate) fn read_into(
    command: Command,
    line: &[OsString],
    variable: impl Fn(&OsStr) -> Option<OsString>,
) -> anyhow::Result<Command> {
    let called = called(&command, line);
    read_below(command, &called, &variable)
}

/// The names of the subcommands that a line calls, the outermost first: its words that are one where they stand. What is wrong with the
/// line is told by who reads it in earnest.
fn called(command: &Command, line: &[OsString]) -> Vec<String> {
    let (mut at, mut names) = (command, Vec::new());
    for word in line.iter().skip(1) {
        if let Some(below) = at.find_subcommand(word) {
            names.push(below.get_name().to_owned());
            at = below;
        }
    }
    names
}

fn read_below(
    mut command: Command,
    called: &[String],
    variable: &impl Fn(&OsStr) -> Option<OsString>,
) -> anyhow::Result<Command> {
    let secrets: Vec<_> = command.get_arguments().filter_map(secret).collect();
    for (id, name) in secrets {
        if let Some(value) = value(&name, variable)? {
            command = command.mut_arg(id, |arg| {
                arg.default_value(value).hide_default_value(true).required(false)
            });
        }
    }
    let Some((name, rest)) = called.split_first() else {
        return Ok(command);
    };
    let Some(below) = command.find_subcommand(name).cloned() else {
        return Ok(command);
    };
    let below = read_below(below, rest, variable)?;
    Ok(command.mut_subcommand(name, |_| below))
}

/// The id and the variable of an argument that holds a secret.
fn secret(arg: &Arg) -> Option<(String, OsString)> {
    let variable = arg.get_env().filter(|_| arg.is_hide_env_values_set())?;
    Some((arg.get_id().to_string(), variable.to_owned()))
}

fn value(name: &OsStr, variable: &impl Fn(&OsStr) -> Option<OsString>) -> anyhow::Result<Option<String>> {
    let mut file_name = name.to_owned();
    file_name.push("_FILE");
    let (name, of_file) = (name.display(), file_name.display());
    // An empty variable is how a compose file says that there is none.
    let Some(file) = variable(&file_name).filter(|file| !file.is_empty()) else {
        return Ok(None);
    };
    if variable(OsStr::new(&name.to_string())).is_some() {
        bail!("{name} and {of_file} are both set: keep one of them");
    }
    let file = Path::new(&file);
    let text = fs::read_to_string(file)
        .with_context(|| format!("{of_file} names {}, which cannot be read", file.display()))?;
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        bail!("{of_file} names {}, which is empty", file.display());
    }
    Ok(Some(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn command() -> Command {
        let url = Arg::new("url")
            .long("url")
            .env("SECRET_FILES_TEST_URL")
            .hide_env_values(true)
            .required(true);
        let plain = Arg::new("plain").long("plain").env("SECRET_FILES_TEST_PLAIN");
        Command::new("test")
            .subcommand(Command::new("role").arg(url).arg(plain))
            .subcommand(Command::new("other"))
    }

    fn url(line: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<String> {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        let line: Vec<OsString> = line.iter().map(OsString::from).collect();
        let command = read_into(command(), &line, |name| {
            variables.get(name.to_str().unwrap()).map(OsString::from)
        })?;
        let matches = command.try_get_matches_from(&line)?;
        let (_, matches) = matches.subcommand().unwrap();
        let url = matches.try_get_one::<String>("url").ok().flatten();
        Ok(url.cloned().unwrap_or_default())
    }

    #[test]
    fn a_secret_comes_from_the_file_that_its_variable_names() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = directory.path().join(name);
            fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        for (content, want) in [
            ("a://b", "a://b"),
            ("a://b\n", "a://b"),
            ("a://b\r\n", "a://b"),
            (" a \n\n", " a \n"),
        ] {
            let path = file("secret", content);
            let found = url(&["test", "role"], &[("SECRET_FILES_TEST_URL_FILE", &path)]).unwrap();
            assert_eq!(found, want);
        }
        let path = file("secret", "of the file");
        let variables = [("SECRET_FILES_TEST_URL_FILE", path.as_str())];
        let said = url(&["test", "role", "--url", "of the line"], &variables).unwrap();
        assert_eq!(said, "of the line");

        for (variables, part) in [
            (vec![("SECRET_FILES_TEST_URL_FILE", "/nowhere")], "/nowhere"),
            (
                vec![("SECRET_FILES_TEST_URL_FILE", directory.path().to_str().unwrap())],
                "cannot be read",
            ),
            (
                vec![
                    ("SECRET_FILES_TEST_URL_FILE", &path),
                    ("SECRET_FILES_TEST_URL", "x"),
                ],
                "SECRET_FILES_TEST_URL and SECRET_FILES_TEST_URL_FILE are both set",
            ),
        ] {
            let error = url(&["test", "role"], &variables).unwrap_err();
            assert!(error.to_string().contains(part), "{error:#}");
        }
        let empty = file("empty", "\n");
        let error = url(&["test", "role"], &[("SECRET_FILES_TEST_URL_FILE", &empty)]).unwrap_err();
        assert!(error.to_string().contains("is empty"), "{error:#}");
        let none = url(&["test", "role"], &[("SECRET_FILES_TEST_URL_FILE", "")]).unwrap_err();
        assert!(none.to_string().contains("--url"), "{none:#}");
    }

    #[test]
    fn commands_without_the_secret_do_not_ask_for_its_file() {
        let variables = [
            ("SECRET_FILES_TEST_URL_FILE", "/nowhere"),
            ("SECRET_FILES_TEST_PLAIN_FILE", "/nowhere"),
        ];
        assert_eq!(url(&["test", "other"], &variables).unwrap(), "");
    }
}
