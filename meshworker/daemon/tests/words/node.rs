//! Nodes that answer what they like.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

/// Listens, and answers all that comes with what this makes of it.
pub fn node(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let mut bytes = vec![0; 1 << 16];
            while let Ok(read @ 1..) = stream.read(&mut bytes) {
                if stream.write_all(&answer(&bytes[..read])).is_err() {
                    break;
                }
            }
        }
    });
    address
}

/// A text of Redis.
fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

/// What a Redis node answers to a look, with this host name.
pub fn redis_named(name: &str) -> String {
    let id = "a".repeat(40);
    let nodes = format!("{id} 127.0.0.1:6379@16379,{name} myself,master - 0 0 1 connected\n");
    let cluster = format!("cluster_state:{name}\r\ncluster_known_nodes:1\r\ncluster_size:0\r\n");
    let info = format!("redis_version:{name}\r\nrun_id:{name}\r\nrole:master\r\n");
    format!("{}{}{}:0\r\n", bulk(&nodes), bulk(&cluster), bulk(&info))
}

/// What an Aerospike node answers to each of these commands.
pub fn info(request: &[u8], value: impl Fn(&str) -> String) -> Vec<u8> {
    let commands = String::from_utf8_lossy(request.get(8..).unwrap_or_default()).into_owned();
    let lines = commands
        .lines()
        .map(|command| format!("{command}\t{}\n", value(command)));
    let body: String = lines.collect();
    let length = (body.len() as u64).to_be_bytes();
    [&[2, 1], &length[2..], body.as_bytes()].concat()
}

/// What a healthy one answers, but for its words.
pub fn healthy(command: &str, word: &str) -> String {
    match command {
        "statistics" => "cluster_size=1;cluster_key=A1;cluster_integrity=true;cluster_is_member=true;\
                         cluster_principal=0;uptime=9;migrate_allowed=true;migrate_partitions_remaining=0"
            .to_owned(),
        command if command.contains("std") => "0,3000,[]".to_owned(),
        _ => word.to_owned(),
    }
}
