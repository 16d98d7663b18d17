//! Where packets go that are meant for a lab.

use std::net::Ipv4Addr;
use std::process::Command;

use meshworker_lab::Swarm;

/// Whoever still speaks to a lab that is gone reaches nobody: its addresses lead neither out of the machine nor to
/// another lab.
pub fn leads_nowhere() {
    let swarm = Swarm::start(1, 1).unwrap();
    let address = swarm.address(1).unwrap();
    assert!(route(address).contains("mwl"), "{}", route(address));
    swarm.down().unwrap();
    assert!(is_unreachable(address), "{}", route(address));
    // Nor does any other address that a lab could have.
    let [a, b, ..] = address.octets();
    for other in [Ipv4Addr::new(a, b, 0, 1), Ipv4Addr::new(a, b, 255, 254)] {
        assert!(is_unreachable(other), "{}", route(other));
    }
}

/// The kernel refuses such a packet at once: EHOSTUNREACH.
fn is_unreachable(to: Ipv4Addr) -> bool {
    route(to).contains("No route to host")
}

/// What the kernel would do with a packet to this address.
fn route(to: Ipv4Addr) -> String {
    let mut ip = Command::new("ip");
    let output = ip.args(["route", "get", &to.to_string()]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}
