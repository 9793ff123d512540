//! ministack, over TLS and with IAM's rules in force.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use xtask::ministack_environment as environment;

/// Root's ministack listens on port 443 as well. One that loses that port while it starts closes its own port again for a second.
static STARTING: Mutex<()> = Mutex::new(());

/// A ministack that ends with the test, and everything that it has started.
pub(crate) struct Ministack {
    child: Child,
    program: PathBuf,
    url: String,
    folder: TempDir,
}

impl Ministack {
    pub(crate) fn start() -> Self {
        // Something else may take the port before ministack does.
        let again = |_| Self::attempt();
        Self::attempt()
            .or_else(again)
            .or_else(again)
            .expect("ministack listens on one of three ports")
    }

    /// Starts it on a free port; an error if it ends at once.
    fn attempt() -> Result<Self, String> {
        let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let program =
            PathBuf::from(std::env::var("MINISTACK").expect("cargo xtask test says where it is"));
        let folder = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()];
        let certified = rcgen::generate_simple_self_signed(names).unwrap();
        fs::write(folder.path().join(environment::CERTIFICATE), certified.cert.pem()).unwrap();
        fs::write(folder.path().join(environment::KEY), certified.signing_key.serialize_pem())
            .unwrap();
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(&program);
        let child = environment::serve(&mut command, folder.path(), port)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let mut ministack = Self { child, program, url: environment::url(port), folder };
        let deadline = Instant::now() + Duration::from_mins(1);
        while !listens(port) {
            if let Some(status) = ministack.child.try_wait().unwrap() {
                return Err(format!("ministack has ended ({status}): {}", ministack.log()));
            }
            assert!(Instant::now() < deadline, "ministack does not listen: {}", ministack.log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(ministack)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Makes a program one that has an account's credentials, and nothing of this machine's own.
    pub(crate) fn credentials(&self, command: &mut Command) {
        environment::ask(command, self.folder.path(), &self.url);
    }

    /// Returns the Python that ministack runs on.
    pub(crate) fn interpreter(&self) -> PathBuf {
        self.program.with_file_name("python3")
    }

    /// Asks `tests/aws/state.py` for what it knows of `what`.
    #[allow(dead_code, reason = "not every test that starts ministack asks this")]
    pub(crate) fn ask(&self, what: &str) -> Value {
        self.python("tests/aws/state.py", &[what])
    }

    /// Runs a script of this package with ministack's own Python; gives the JSON that it writes.
    pub(crate) fn python(&self, script: &str, arguments: &[&str]) -> Value {
        let mut command = Command::new(self.interpreter());
        // At run time: a checkout may be moved after it was built.
        let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
        command.arg("-B").arg(Path::new(&package).join(script)).args(arguments);
        self.credentials(&mut command);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} {arguments:?}: {said}\n{}", self.log());
        if output.stdout.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// True if a server listens there. Where none does, a connection may be given the same port for its own end, and be connected
/// to itself.
fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .is_ok_and(|stream| stream.local_addr().unwrap() != stream.peer_addr().unwrap())
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
