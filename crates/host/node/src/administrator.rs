//! The first user. There is no default account (S1): a name and a password are given, or a password is made. Without
//! other words it is an administrator.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ternmq_access::Secret;
use ternmq_broker::{
    Broker, MadePassword, NamespaceRecord, PasswordRecipe, PermissionDefinition, UserDefinition,
};

use zeroize::Zeroizing;

use crate::error::StartError;
use crate::options::Login;

/// Name of the administrator when none is given.
const DEFAULT_USER: &str = "admin";
/// File in the data directory with a password that was made.
pub(crate) const PASSWORD_FILE: &str = "admin.password";
/// Longest password file that is read.
const MAX_FILE_BYTES: usize = 4096;
/// What makes an administrator in every dialect.
const TAG: &str = "administrator";

/// A login that was given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct GivenLogin {
    user: String,
    password: Zeroizing<Vec<u8>>,
    grants: Grants,
}

/// What the first user is and may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grants {
    pub(crate) tags: Vec<String>,
    pub(crate) configure: String,
    pub(crate) write: String,
    pub(crate) read: String,
}

impl Default for Grants {
    fn default() -> Self {
        let all = || ".*".to_owned();
        Self { tags: vec![TAG.to_owned()], configure: all(), write: all(), read: all() }
    }
}

impl GivenLogin {
    pub(crate) fn new(user: String, password: &[u8], grants: Grants) -> Self {
        Self { user, password: Zeroizing::new(password.to_vec()), grants }
    }

    fn secret(&self) -> Secret {
        Secret::new(self.password.to_vec())
    }
}

/// The namespace in which the first user gets its permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FirstNamespace {
    /// Its name; absent: the one that exists from the start.
    pub(crate) name: Option<String>,
    /// Whether it stands beside the one that exists from the start, or takes its place.
    pub(crate) keeps_default: bool,
}

impl FirstNamespace {
    /// Makes sure that it is there; answers its name.
    fn ensure(&self, broker: &mut Broker) -> Result<Arc<str>, StartError> {
        let default: Arc<str> = broker.dialect().default_namespace().into();
        let Some(name) = self.name.as_deref().filter(|name| **name != *default) else {
            return Ok(default);
        };
        if broker.namespace(name).is_none() {
            let record = NamespaceRecord { name: name.into(), ..NamespaceRecord::default() };
            let _ = broker.put_namespace(record).map_err(|error| refused(broker, &error))?;
        }
        if !self.keeps_default
            && broker.namespace(&default).is_some()
            && broker.queue_views(Some(&default)).is_empty()
        {
            let _ = broker.delete_namespace(&default).map_err(|error| refused(broker, &error))?;
        }
        Ok(name.into())
    }
}

fn refused(broker: &Broker, error: &ternmq_broker::Error) -> StartError {
    StartError::FirstUser(broker.dialect().error_text(error))
}

impl fmt::Debug for GivenLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the password (S11).
        f.debug_struct("GivenLogin").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Reads the password early, so that a wrong path is told before anything is opened.
pub(crate) fn read_login(login: &Login) -> Result<GivenLogin, StartError> {
    let refuse = |problem: String| StartError::PasswordFile { path: login.password_file.clone(), problem };
    let bytes = fs::read(&login.password_file).map_err(|error| {
        refuse(format!("cannot be read: {error}; check the path given with --password-file"))
    })?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(refuse(format!(
            "is longer than {MAX_FILE_BYTES} bytes; it should hold a password and nothing else"
        )));
    }
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    let password = bytes.get(..end).unwrap_or_default();
    if password.is_empty() {
        return Err(refuse("is empty; write the password into it".into()));
    }
    Ok(GivenLogin::new(login.user.clone(), password, Grants::default()))
}

/// What is left to do so that somebody can log in.
pub(crate) enum Plan {
    /// Nothing.
    Done,
    /// A person must be told something.
    Tell(String),
    /// The first user is to be made.
    Make(Box<FirstUser>),
}

/// Makes sure that somebody can log in: while the broker has no user it gets its first one, and later no more, so that
/// one who was deleted stays away.
pub(crate) fn plan(
    broker: &mut Broker,
    given: Option<&GivenLogin>,
    namespace: &FirstNamespace,
    data_dir: &Path,
) -> Result<Plan, StartError> {
    let has_users = !broker.users().is_empty();
    match given {
        Some(given) if has_users && broker.user_definition(&given.user).is_none() => Ok(Plan::Tell(format!(
            "user '{}' was given and is not made: the broker has users already; an administrator can make it \
                 through the management API",
            given.user
        ))),
        _ if has_users => Ok(Plan::Done),
        given => Ok(Plan::Make(Box::new(FirstUser {
            given: given.cloned(),
            random: broker.random(),
            recipe: broker.password_recipe(given.map_or(DEFAULT_USER, |given| &given.user)),
            namespace: namespace.ensure(broker)?,
            data_dir: data_dir.into(),
        }))),
    }
}

/// The first user before its password is hashed.
pub(crate) struct FirstUser {
    given: Option<GivenLogin>,
    /// For a password, when none was given.
    random: [u8; 16],
    recipe: PasswordRecipe,
    namespace: Arc<str>,
    data_dir: PathBuf,
}

impl FirstUser {
    /// Hashes the password, which takes some 20 ms: for a thread on which nothing waits.
    pub(crate) fn hash(self) -> Result<HashedUser, StartError> {
        let Self { given, random, recipe, namespace, data_dir } = self;
        let (login, notice) = match given {
            Some(given) => (given, None),
            None => {
                let (login, notice) = make_login(&random, &data_dir)?;
                (login, Some(notice))
            }
        };
        let no_memory = |_| StartError::Usage("there is not enough memory to hash a password".into());
        let made = recipe.make(&login.secret()).map_err(no_memory)?;
        Ok(HashedUser { login, made, namespace, notice })
    }
}

fn make_login(random: &[u8], data_dir: &Path) -> Result<(GivenLogin, String), StartError> {
    let text = base32(random);
    let path = data_dir.join(PASSWORD_FILE);
    write_private(&path, &text).map_err(|error| StartError::DataDir {
        path: data_dir.into(),
        problem: format!("the password of the first administrator cannot be kept there: {error}"),
    })?;
    let notice =
        format!("first administrator: user '{DEFAULT_USER}', password '{text}' (kept in {})", path.display());
    Ok((GivenLogin::new(DEFAULT_USER.to_owned(), text.as_bytes(), Grants::default()), notice))
}

/// The first user, ready to be made.
pub(crate) struct HashedUser {
    login: GivenLogin,
    made: MadePassword,
    namespace: Arc<str>,
    notice: Option<String>,
}

impl HashedUser {
    /// Makes the user; answers what a person must be told, once.
    pub(crate) fn put(self, broker: &mut Broker) -> Result<Option<String>, StartError> {
        let Self { login, made, namespace, notice } = self;
        let user: Arc<str> = login.user.as_str().into();
        let definition = UserDefinition {
            name: user.clone(),
            password: Some(made.hash),
            scram: made.scram,
            tags: login.grants.tags.iter().map(|tag| tag.as_str().into()).collect(),
            max_connections: None,
            max_sessions: None,
        };
        // Its receipt is not waited for: a login before it is durable would only have to be made again.
        let _ = broker.put_user(definition);
        let permission = PermissionDefinition {
            user: user.clone(),
            namespace,
            configure: login.grants.configure.as_str().into(),
            write: login.grants.write.as_str().into(),
            read: login.grants.read.as_str().into(),
        };
        let _ = broker.put_permission(permission).map_err(|error| refused(broker, &error))?;
        broker.remember_password(&user, &login.secret());
        Ok(notice)
    }
}

/// Without letters that are taken for one another when read aloud or typed.
fn base32(random: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    random
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect()
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // One from before belongs to a journal that is gone.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(content: &[u8], expect: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        fs::write(&path, content).unwrap();
        let answer = read_login(&Login { user: "u".into(), password_file: path.clone() });
        let text = match answer {
            Ok(login) => String::from_utf8(login.password.to_vec()).unwrap(),
            Err(error) => error.to_string().replace(&path.display().to_string(), "FILE"),
        };
        assert_eq!(text, expect);
    }

    #[test]
    fn password_files() {
        check_file(b"secret", "secret");
        check_file(b" se cret \r\n", " se cret ");
        check_file(b"\n", "the password file 'FILE' is empty; write the password into it");
        check_file(
            &[b'x'; MAX_FILE_BYTES + 1],
            "the password file 'FILE' is longer than 4096 bytes; it should hold a password and nothing else",
        );
    }

    #[test]
    fn a_made_password_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(PASSWORD_FILE);
        write_private(&path, "old").unwrap();
        write_private(&path, &base32(&[7; 16])).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", "h".repeat(16)));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
