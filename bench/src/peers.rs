//! Builds what is compared, each the way its community does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::contender::DIR;

/// The suite's program as its image holds it, the load and the floor.
pub(crate) fn build_ours() -> anyhow::Result<()> {
    run(
        Command::new("docker/compile").arg("--quiet"),
        "docker/compile",
    )?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "--bins"]);
    run(build.args(["-p", "roadie", "-p", "bench"]), "cargo build")
}

pub(crate) fn go_program() -> PathBuf {
    Path::new(DIR).join("go-node")
}

/// Go's standard library.
pub(crate) fn build_go() -> anyhow::Result<()> {
    fs::create_dir_all(DIR)?;
    let program = Path::new(DIR).canonicalize()?.join("go-node");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(program).arg(".");
    build.current_dir("bench/peers/go");
    // It needs nothing but the standard library.
    build.env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
    run(&mut build, "go build")
}

/// nginx with the Lua module, as Debian's libnginx-mod-http-lua and lua-cjson bring it.
pub(crate) fn check_nginx() -> anyhow::Result<()> {
    run(Command::new("nginx").arg("-v"), "nginx")?;
    let module = Path::new("/usr/lib/nginx/modules/ngx_http_lua_module.so");
    ensure!(module.exists(), "nginx has no Lua module");
    Ok(())
}

pub(crate) fn node_program(folder: &str) -> PathBuf {
    Path::new(DIR).join(folder).join("node.js")
}

/// A copy beside its packages, which are installed once.
pub(crate) fn install_node(folder: &str) -> anyhow::Result<()> {
    run(Command::new("node").arg("--version"), "node")?;
    let (from, to) = (
        Path::new("bench/peers").join(folder),
        Path::new(DIR).join(folder),
    );
    fs::create_dir_all(&to)?;
    for file in ["package.json", "node.js"] {
        fs::copy(from.join(file), to.join(file))?;
    }
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--no-package-lock"]);
    run(install.current_dir(&to), "npm install")
}

fn run(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{what}: cannot be started"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{what}: {}", errors.trim());
    Ok(())
}
