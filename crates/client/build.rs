//! Embeds the page's assets: hashed, compressed, ready to be sent as they are.
//!
//! The style sheets become one file. Each script stays a module of its own; what it imports is
//! renamed first, so that a name changes when anything behind it does.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};

/// The module that the page starts; all others are reached from it.
const ENTRY: &str = "main.js";

fn main() -> anyhow::Result<()> {
    println!("cargo::rerun-if-changed=assets");
    let mut output = Output::new(env::var_os("OUT_DIR").context("OUT_DIR is not set")?.into());

    let mut style = String::new();
    for (_, text) in sources("assets/css")? {
        style.push_str(&text);
    }
    output.asset("STYLE", "style.css", "text/css; charset=utf-8", &style)?;
    let icon = fs::read_to_string("assets/icon.svg").context("assets/icon.svg")?;
    output.asset("ICON", "icon.svg", "image/svg+xml", &icon)?;

    let modules = linked(sources("assets/js")?)?;
    let mut paths = String::new();
    for (name, text) in &modules {
        let constant = if name == ENTRY { "ENTRY" } else { "" };
        let path = output.asset(constant, name, "text/javascript; charset=utf-8", text)?;
        if name != ENTRY {
            write!(paths, "{path:?}, ")?;
        }
    }
    output.finish(&paths)
}

/// The files of a folder by name, in the order of their names.
fn sources(folder: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut sources = BTreeMap::new();
    for entry in fs::read_dir(folder).context(folder.to_owned())? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .context("a name in UTF-8")?;
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        sources.insert(name.to_owned(), text);
    }
    Ok(sources)
}

/// The modules, with every `from "./x.js"` renamed to what `x.js` will be called.
fn linked(mut waiting: BTreeMap<String, String>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut done = BTreeMap::new();
    while !waiting.is_empty() {
        // A module is ready when all that it imports has its name.
        let ready = waiting
            .iter()
            .find(|(_, text)| imports(text).all(|name| done.contains_key(name)))
            .map(|(name, _)| name.clone());
        let Some(name) = ready else {
            bail!(
                "these modules import each other, or what is missing: {:?}",
                waiting.keys()
            );
        };
        let mut text = waiting.remove(&name).context("it was found there")?;
        for import in imports(&text.clone()) {
            let import_text: &String = &done[import];
            text = text.replace(&quoted(import), &quoted(&hashed(import, import_text)?));
        }
        done.insert(name, text);
    }
    ensure!(done.contains_key(ENTRY), "assets/js/{ENTRY} is missing");
    Ok(done)
}

/// The names in `from "./name.js"`.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    text.split("from \"./")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

fn quoted(name: &str) -> String {
    format!("\"./{name}\"")
}

/// `name.ext` with the hash of its content in it: `name.0123456789abcdef.ext`.
fn hashed(name: &str, text: &str) -> anyhow::Result<String> {
    let (stem, extension) = name.rsplit_once('.').context("a name with an extension")?;
    let digest = Sha256::digest(text.as_bytes());
    let hash = digest
        .iter()
        .take(8)
        .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    Ok(format!("{stem}.{hash}.{extension}"))
}

/// The folder of compressed files, and the Rust source that names them.
struct Output {
    folder: PathBuf,
    constants: String,
    table: String,
}

impl Output {
    fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            constants: String::new(),
            table: String::new(),
        }
    }

    /// Adds a file and, where `constant` is not empty, a constant with its path. Returns the path.
    fn asset(
        &mut self,
        constant: &str,
        name: &str,
        media_type: &str,
        text: &str,
    ) -> anyhow::Result<String> {
        let name = hashed(name, text)?;
        let path = format!("/assets/{name}");
        let include = |extension: &str, bytes: &[u8]| -> anyhow::Result<String> {
            let file = format!("{name}{extension}");
            write(&self.folder.join(&file), bytes)?;
            Ok(format!(
                "include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\"))"
            ))
        };
        let plain = include("", text.as_bytes())?;
        let brotli = include(".br", &brotli(text)?)?;
        let gzip = include(".gz", &gzip(text)?)?;
        writeln!(
            self.table,
            "Asset {{ name: {name:?}, media_type: {media_type:?}, plain: {plain}, brotli: {brotli}, gzip: {gzip} }},"
        )?;
        if !constant.is_empty() {
            writeln!(
                self.constants,
                "pub(crate) const {constant}: &str = {path:?};"
            )?;
        }
        Ok(path)
    }

    fn finish(self, modules: &str) -> anyhow::Result<()> {
        let Self {
            folder,
            constants,
            table,
        } = self;
        let source = format!(
            "{constants}pub(crate) const MODULES: &[&str] = &[{modules}];\nstatic ASSETS: &[Asset] = &[\n{table}];\n"
        );
        write(&folder.join("assets.rs"), source.as_bytes())
    }
}

fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| file.display().to_string())
}

fn brotli(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        size_hint: text.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut text.as_bytes(), &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?)
}
