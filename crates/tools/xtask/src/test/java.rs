//! Building and starting Java programs: sources of ours over the libraries that a `pom.xml` pins.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::namespace::Namespace;
use super::packages;
use super::scenarios::name_of;
use super::suites::build;
use super::workshop::Workshop;

/// The class `main` of the sources in a folder, over the libraries that the `pom.xml` among them names.
pub(crate) fn program(shop: &Workshop, namespace: &Namespace, folder: &Path, main: &str) -> Result<Command> {
    let classes = compile(shop, folder, &[folder, &frame(shop)], "")?;
    run(shop, namespace, &classes, main)
}

/// The application over JMS 3.1, compiled for the client that the `pom.xml` in a folder names.
pub(crate) fn jakarta(shop: &Workshop, folder: &Path) -> Result<PathBuf> {
    compile(shop, folder, &[&folder.with_file_name("jms"), &frame(shop)], "")
}

/// What scenarios in Java share.
fn frame(shop: &Workshop) -> PathBuf {
    shop.conformance().join("scenarios/cases-java")
}

/// Joram's tests of JMS over the client that the `pom.xml` of the suite names; gives the folder of classes.
pub(crate) fn jtests(shop: &Workshop, suite: &str) -> Result<PathBuf> {
    let suites = shop.conformance().join("suites");
    let sources = suites.join("jtests");
    let classes = compile(shop, &suites.join(suite), &[&sources], "")?;
    for name in ["provider.properties", "test.properties"] {
        std::fs::copy(sources.join(name), classes.join(name)).context("cannot copy what the tests read")?;
    }
    Ok(classes)
}

/// The class `main` of what was compiled into a folder. The programs live some seconds: such a JVM starts fast, and leaves
/// the other cores to the broker.
pub(crate) fn run(shop: &Workshop, namespace: &Namespace, classes: &Path, main: &str) -> Result<Command> {
    let libraries = packages::java_folder(shop, name_of(classes)?);
    let mut command = namespace.command("java");
    command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
    command.arg(format!("{}/*:{}", libraries.display(), classes.display())).arg(main);
    Ok(command)
}

/// Compiles every source of some folders against the libraries that the `pom.xml` of `project` names and those of a class path,
/// into a folder that is called as the project.
pub(crate) fn compile(shop: &Workshop, project: &Path, sources: &[&Path], more: &str) -> Result<PathBuf> {
    let libraries = packages::java_libraries(shop, project)?;
    let name = name_of(project)?;
    shop.say(&format!("building {name}"));
    let classes = shop.work().join(name);
    let _ = std::fs::remove_dir_all(&classes);
    let mut javac = Command::new("javac");
    javac.args(["-Xlint:all,-processing,-classfile,-path", "-Werror", "-cp"]);
    javac.arg(format!("{}/*:{more}", libraries.display())).arg("-d").arg(&classes);
    for folder in sources {
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "java") {
                javac.arg(path);
            }
        }
    }
    build(shop, name, &mut javac)?;
    Ok(classes)
}
