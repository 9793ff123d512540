//! Makes a certificate for servers on this machine, which its clients trust as the authority that it also is: `cert.pem` and
//! `key.pem` in the folder that is named.
//!
//! An example, because these are built with dev-dependencies: what makes certificates is for tests, and no part of `xtask`.

use std::io::{Error, Result};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).ok_or_else(|| Error::other("usage: certificate FOLDER"))?;
    let folder = PathBuf::from(folder);
    let names = ["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()];
    let certified = rcgen::generate_simple_self_signed(names).map_err(Error::other)?;
    fs::write(folder.join("cert.pem"), certified.cert.pem())?;
    fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem())
}
