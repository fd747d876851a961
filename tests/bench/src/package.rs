//! What is uploaded to Lambda, and how large it is: a zip with the best compression that deflate has.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use walkdir::WalkDir;

/// Bytes of a zip besides names and content: local header 30 and central header 46 of each file, and the end record
/// (PKWARE's APPNOTE, 4.3).
const HEADERS_OF_A_FILE: u64 = 30 + 46;
const END_RECORD: u64 = 22;

/// Packages that Lambda's Python runtime brings, or that only install others: nobody uploads them.
const IN_THE_RUNTIME: [&str; 17] = [
    "__pycache__",
    "_distutils_hack",
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "distutils-precedence.pth",
    "jmespath",
    "pip",
    "pkg_resources",
    "runtime_client",
    "s3transfer",
    "setuptools",
    "simplejson",
    "snapshot_restore",
    "six",
    "urllib3",
];

/// The size of a zip of these files (name within the zip, and where it lies), in bytes.
///
/// # Errors
/// When one cannot be read.
pub fn zipped(files: &[(String, PathBuf)]) -> Result<u64> {
    let mut size = END_RECORD;
    for (name, path) in files {
        let content = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut encoder = DeflateEncoder::new(Counted(0), Compression::best());
        encoder.write_all(&content)?;
        let names = 2 * u64::try_from(name.len())?;
        size += encoder.finish()?.0 + HEADERS_OF_A_FILE + names;
    }
    Ok(size)
}

/// What a Python function uploads of an environment, compiled files left out.
///
/// # Errors
/// When the environment cannot be read.
pub fn site_packages(interpreter: &Path) -> Result<Vec<(String, PathBuf)>> {
    let library = interpreter.parent().and_then(Path::parent).context("an interpreter lies in bin/")?.join("lib");
    let mut files = Vec::new();
    for entry in WalkDir::new(&library).follow_links(false) {
        let entry = entry?;
        let path = entry.path();
        let Some((_, below)) = path.to_str().and_then(|text| text.split_once("/site-packages/")) else { continue };
        let uploaded = !IN_THE_RUNTIME.iter().any(|prefix| below.starts_with(prefix)) && !below.contains("__pycache__");
        if entry.file_type().is_file() && uploaded {
            files.push((below.to_owned(), path.to_owned()));
        }
    }
    Ok(files)
}

/// Counts what is written to it.
struct Counted(u64);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_is_as_large_as_its_content_its_names_and_its_headers() {
        let file = std::env::temp_dir().join(format!("bench-zip-{}", std::process::id()));
        std::fs::write(&file, "a".repeat(10_000)).unwrap();
        let size = zipped(&[("bootstrap".to_owned(), file.clone())]).unwrap();
        std::fs::remove_file(file).unwrap();
        let without_content = END_RECORD + HEADERS_OF_A_FILE + 18;
        assert!((without_content..without_content + 100).contains(&size), "{size}");
    }
}
