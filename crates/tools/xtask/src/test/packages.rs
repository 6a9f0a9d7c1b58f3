//! Getting what the suites need, pinned, below the target folder: nothing is installed into the checkout.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::workshop::Workshop;
use crate::process::{Ending, output_of, run_logged, tail};

const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// A Python with the pinned packages of `testing/conformance/requirements.txt`.
pub(crate) fn python(shop: &Workshop) -> Result<PathBuf> {
    python_with(shop, &shop.conformance().join("requirements.txt"), "venv")
}

/// A Python with the packages that `wanted` pins, in an environment of that name.
pub(crate) fn python_with(shop: &Workshop, wanted: &Path, name: &str) -> Result<PathBuf> {
    python_by(shop, wanted, name, &[])
}

/// The same with options for pip.
fn python_by(shop: &Workshop, wanted: &Path, name: &str, options: &[&str]) -> Result<PathBuf> {
    let venv = shop.work().join(name);
    let program = venv.join("bin/python");
    if is_current(&venv, wanted)? {
        return Ok(program);
    }
    shop.say("making the Python environment");
    let _ = std::fs::remove_dir_all(&venv);
    let made = install(shop, "venv", Command::new("python3").args(["-m", "venv"]).arg(&venv));
    if made.is_err() {
        debian_packages(shop, &["python3", "python3-venv"])?;
        install(shop, "venv", Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let mut pip = Command::new(&program);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(options).arg("-r").arg(wanted);
    install(shop, "pip", &mut pip)?;
    mark_current(&venv, wanted)?;
    Ok(program)
}

/// A Python with Qpid Proton, whose packages are built here: that takes the headers of Python, where it does not have them.
pub(crate) fn python_with_proton(shop: &Workshop) -> Result<PathBuf> {
    let wanted = shop.conformance().join("scenarios/proton/requirements.txt");
    python_with(shop, &wanted, "venv-proton").or_else(|_| {
        debian_packages(shop, &["gcc", "python3-dev"])?;
        python_with(shop, &wanted, "venv-proton")
    })
}

/// A Python with a Proton that has the mechanisms of Cyrus SASL. Built beside the other one: what it finds when it is built
/// changes how it logs in, so none that was built before will do.
pub(crate) fn python_with_sasl(shop: &Workshop, wanted: &Path) -> Result<PathBuf> {
    debian_packages(shop, &["gcc", "python3-dev", "pkg-config", "libsasl2-dev", "libsasl2-modules"])?;
    python_by(shop, wanted, "venv-proton-sasl", &["--no-cache-dir"])
}

/// The unpacked source distribution of a PyPI package, tests included.
pub(crate) fn python_source(shop: &Workshop, name: &str, version: &str) -> Result<PathBuf> {
    let folder = shop.work().join("sources").join(format!("{name}-{version}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    let python = python(shop)?;
    let sources = shop.work().join("sources");
    std::fs::create_dir_all(&sources).context("cannot make the sources folder")?;
    shop.say(&format!("downloading the source of {name} {version}"));
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest"])
        .arg(&sources)
        .arg(format!("{name}=={version}"));
    install(shop, name, &mut pip)?;
    let archive = sources.join(format!("{name}-{version}.tar.gz"));
    output_of(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&sources))?;
    ensure!(folder.is_dir(), "the archive of {name} {version} does not hold {name}-{version}");
    Ok(folder)
}

/// A copy of a crate's published source with its own lock file, tests included.
pub(crate) fn crate_source(shop: &Workshop, name: &str, version: &str) -> Result<PathBuf> {
    let folder = shop.work().join("sources").join(format!("{name}-{version}"));
    if folder.join("Cargo.toml").is_file() {
        return Ok(folder);
    }
    shop.say(&format!("downloading the source of {name} {version}"));
    let probe = shop.work().join("fetch").join(name);
    std::fs::create_dir_all(probe.join("src")).context("cannot make the download folder")?;
    std::fs::write(probe.join("src/lib.rs"), "")?;
    let manifest = format!(
        "[package]\nname = \"fetch-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         {name} = \"={version}\"\n\n[workspace]\n"
    );
    std::fs::write(probe.join("Cargo.toml"), manifest)?;
    let metadata =
        output_of(Command::new("cargo").args(["metadata", "--format-version", "1"]).current_dir(&probe))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata printed no JSON")?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("cargo metadata has no packages")?;
    let manifest = packages
        .iter()
        .find(|package| package.get("name").and_then(Value::as_str) == Some(name))
        .and_then(|package| package.get("manifest_path").and_then(Value::as_str))
        .with_context(|| format!("{name} is not among the packages that cargo downloaded"))?;
    let source = Path::new(manifest).parent().context("a manifest has a folder")?;
    std::fs::create_dir_all(shop.work().join("sources"))?;
    output_of(Command::new("cp").arg("-rT").arg(source).arg(&folder))?;
    output_of(Command::new("chmod").args(["-R", "u+w"]).arg(&folder))?;
    Ok(folder)
}

/// A `node_modules` folder with exactly what the lock file beside the scenario names.
pub(crate) fn node_modules(shop: &Workshop, scenario: &Path) -> Result<PathBuf> {
    let folder = shop.work().join("npm").join(scenario.file_name().context("a scenario has a folder")?);
    let wanted = scenario.join("package-lock.json");
    if is_current(&folder, &wanted)? {
        return Ok(folder.join("node_modules"));
    }
    if !is_there("npm") {
        debian_packages(shop, &["nodejs", "npm"])?;
    }
    shop.say("installing the Node packages");
    std::fs::create_dir_all(&folder).context("cannot make the npm folder")?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(scenario.join(name), folder.join(name))
            .with_context(|| format!("cannot copy {name}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
    install(shop, "npm", &mut npm)?;
    mark_current(&folder, &wanted)?;
    Ok(folder.join("node_modules"))
}

/// Installs those Debian packages that are not there yet.
pub(crate) fn debian_packages(shop: &Workshop, names: &[&str]) -> Result<()> {
    let missing: Vec<&str> = names.iter().copied().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        bail!("these Debian packages are missing and only root can install them: {}", missing.join(" "));
    }
    shop.say(&format!("installing {}", missing.join(" ")));
    let apt = |shop: &Workshop, args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-y", "-qq"]).args(args).env("DEBIAN_FRONTEND", "noninteractive");
        install(shop, "apt", &mut command)
    };
    apt(shop, &["update"])?;
    let mut args = vec!["install", "--no-install-recommends"];
    args.extend(&missing);
    apt(shop, &args)
}

/// The upstream part of a Debian source package, unpacked. The machine's own list of sources is not touched: most name no
/// source packages.
pub(crate) fn debian_source(shop: &Workshop, name: &str, version: &str) -> Result<PathBuf> {
    let sources = shop.work().join("sources");
    let folder = sources.join(format!("{name}-{version}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    shop.say(&format!("downloading the source of {name} {version}"));
    std::fs::create_dir_all(&sources).context("cannot make the sources folder")?;
    let (parts, lists) = (shop.work().join("apt/parts"), shop.work().join("apt/lists"));
    std::fs::create_dir_all(&lists).context("cannot make the folder of package lists")?;
    write_source_lists(&parts)?;
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-y", "-qq", "-o", "Dir::Etc::sourcelist=/dev/null", "-o"]);
        command.arg(format!("Dir::Etc::sourceparts={}", parts.display()));
        command.arg("-o").arg(format!("Dir::State::lists={}", lists.display()));
        command.args(args).current_dir(&sources);
        install(shop, name, &mut command)
    };
    apt(&["update"])?;
    apt(&["source", "--download-only", name])?;
    let archive = sources.join(format!("{name}_{version}.orig.tar.gz"));
    output_of(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&sources))
        .with_context(|| format!("Debian's source of {name} is no longer {version}"))?;
    ensure!(folder.is_dir(), "the archive of {name} {version} does not hold {name}-{version}");
    Ok(folder)
}

/// The machine's lists of package sources, with source packages where they name binary ones.
fn write_source_lists(parts: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(parts);
    std::fs::create_dir_all(parts).with_context(|| format!("cannot make {}", parts.display()))?;
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = std::fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())));
    }
    for file in files {
        let Some(extension) = file.extension().and_then(|it| it.to_str()) else { continue };
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let text: String = text
            .lines()
            .map(|line| match (extension, line.strip_prefix("deb ")) {
                ("list", Some(rest)) => format!("deb-src {rest}\n"),
                ("sources", _) if line.trim() == "Types: deb" => "Types: deb-src\n".to_owned(),
                _ => format!("{line}\n"),
            })
            .collect();
        if let Some(name) = file.file_name() {
            std::fs::write(parts.join(name), text).context("cannot write a list of sources")?;
        }
    }
    Ok(())
}

/// A folder with exactly the libraries that the `pom.xml` beside a program names, and those that they need. Makes sure
/// that there is a JDK.
pub(crate) fn java_libraries(shop: &Workshop, program: &Path) -> Result<PathBuf> {
    if !is_there("javac") || !is_there("mvn") {
        debian_packages(shop, &["default-jdk-headless", "maven"])?;
    }
    let name = program.file_name().and_then(OsStr::to_str).context("a program has a folder with a name")?;
    let (folder, wanted) = (java_folder(shop, name), program.join("pom.xml"));
    if is_current(&folder, &wanted)? {
        return Ok(folder);
    }
    shop.say("downloading the Java libraries");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).context("cannot make the folder of Java libraries")?;
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f"]).arg(&wanted);
    maven.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies");
    maven.arg(format!("-DoutputDirectory={}", folder.display()));
    install(shop, "maven", &mut maven)?;
    mark_current(&folder, &wanted)?;
    Ok(folder)
}

/// Where the libraries of a Java program are.
pub(crate) fn java_folder(shop: &Workshop, name: &str) -> PathBuf {
    shop.work().join("maven").join(name)
}

/// Makes sure there is a Go; the distribution's when none is on the path.
pub(crate) fn go(shop: &Workshop) -> Result<()> {
    if is_there("go") { Ok(()) } else { debian_packages(shop, &["golang-go"]) }
}

/// Makes sure that network namespaces can be made.
pub(crate) fn network_tools(shop: &Workshop) -> Result<()> {
    if is_there("ip") { Ok(()) } else { debian_packages(shop, &["iproute2"]) }
}

/// Makes sure that system calls can be traced.
pub(crate) fn tracer(shop: &Workshop) -> Result<()> {
    if is_there("strace") { Ok(()) } else { debian_packages(shop, &["strace"]) }
}

fn is_installed(name: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${db:Status-Status}", name]);
    output_of(&mut query).is_ok_and(|status| status.trim() == "installed")
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("version").output().is_ok()
}

fn install(shop: &Workshop, name: &str, command: &mut Command) -> Result<()> {
    let log = shop.work().join("logs").join(format!("install-{name}.log"));
    match run_logged(command, &log, INSTALL_LIMIT)? {
        Ending::Succeeded => Ok(()),
        Ending::Failed => bail!("installing {name} failed:\n{}", tail(&log, 10)),
        Ending::TimedOut => bail!("installing {name} took more than {} s", INSTALL_LIMIT.as_secs()),
    }
}

/// Whether `folder` was made from exactly this version of `list`.
fn is_current(folder: &Path, list: &Path) -> Result<bool> {
    let wanted = std::fs::read(list).with_context(|| format!("cannot read {}", list.display()))?;
    Ok(std::fs::read(folder.join(".made-from")).is_ok_and(|made| made == wanted))
}

fn mark_current(folder: &Path, list: &Path) -> Result<()> {
    std::fs::copy(list, folder.join(".made-from")).context("cannot note what was installed")?;
    Ok(())
}
