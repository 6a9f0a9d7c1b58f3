//! ActiveMQ itself, in the place of a broker of ours: the distribution's package, with its module for AMQP 1.0, which the
//! package lacks, in the same version.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::namespace::Namespace;
use super::workshop::Workshop;
use super::{certificates, java, packages};

/// Where the distribution has its libraries.
const LIBRARIES: &str = "/usr/share/activemq/lib/*";

/// What is needed to start it.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    class_path: String,
}

impl Oracle {
    /// Installs it, and builds the program that starts it.
    pub(crate) fn prepare(shop: &Workshop) -> Result<Self> {
        packages::debian_packages(shop, &["activemq"])?;
        let folder = shop.conformance().join("oracle");
        let classes = java::compile(shop, &folder, &[&folder], LIBRARIES)?;
        let own = packages::java_folder(shop, "oracle");
        Ok(Self { class_path: format!("{LIBRARIES}:{}/*:{}", own.display(), classes.display()) })
    }

    /// One with data below `folder` and a certificate of those in `certificates`.
    pub(crate) fn command(&self, namespace: &Namespace, folder: &Path, certificates: &Path) -> Command {
        let (certificate, key): (PathBuf, PathBuf) = certificates::pair(certificates, "server");
        let mut command = namespace.command("java");
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", &self.class_path]);
        command.arg("Oracle").arg(folder.join("data")).arg(certificate).arg(key).current_dir(folder);
        command
    }
}
