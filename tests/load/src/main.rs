//! The binary: see [`meshworker_load`].

use std::process::ExitCode;

use meshworker_load::{Options, Phase, fill, run, verify};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// The exit code for a command line that cannot be used.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(error) => return fail(BAD_INPUT, &error),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(phase(&options)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

fn fail(code: u8, error: &anyhow::Error) -> ExitCode {
    eprintln!("meshworker-load: {error:#}");
    ExitCode::from(code)
}

async fn phase(options: &Options) -> anyhow::Result<()> {
    match options.phase {
        Phase::Fill => {
            let records = fill(options).await?;
            print(&serde_json::json!({ "records": records }))
        }
        Phase::Run => {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let (send, marks) = mpsc::channel(16);
            let mut lines = lines();
            let commands = async move {
                loop {
                    let line = tokio::select! {
                        line = lines.recv() => line,
                        _ = terminate.recv() => None,
                        _ = interrupt.recv() => None,
                    };
                    let Some(line) = line else { break };
                    match line.trim().strip_prefix("mark ") {
                        Some(name) if send.send(name.to_owned()).await.is_err() => break,
                        Some(_) => {}
                        None => eprintln!("meshworker-load: `{line}` is not `mark NAME`"),
                    }
                }
                // Here the sender is dropped, and the run ends.
            };
            let running = run(options, marks, print);
            let ((), done) = tokio::join!(commands, running);
            done
        }
        Phase::Verify => print(&verify(options).await?),
    }
}

/// The lines of stdin. The thread that reads them ends with the program.
fn lines() -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { break };
            if send.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receive
}

fn print(value: &impl Serialize) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
