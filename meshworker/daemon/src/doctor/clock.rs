//! Other clocks: the workers' by the `Date` of an HTTP answer, the engine's by
//! what it says of itself.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::facts::Clock;
use crate::scale::Workers;

/// How long one worker may take.
const DEADLINE: Duration = Duration::from_secs(1);

/// `Date` has whole seconds.
const WHOLE_SECONDS: f64 = 1.0;

/// Where the workers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// Their DNS name, or an address.
    pub name: String,
    /// The port that they listen on.
    pub port: u16,
}

/// The clocks of all workers at this name.
pub async fn of_workers(whom: &Whom) -> Vec<Result<Clock, String>> {
    let found = match Workers::new(&whom.name, whom.port) {
        Ok(workers) => workers.find().await,
        Err(why) => Err(why.to_string()),
    };
    let workers = match found {
        Ok(workers) => workers,
        Err(why) => return vec![Err(why)],
    };
    let asked = workers.into_iter().map(|worker| async move {
        let asked = timeout(DEADLINE, of_worker(worker)).await;
        let late = || Err(format!("no answer within {} s", DEADLINE.as_secs()));
        asked
            .unwrap_or_else(|_| late())
            .map_err(|why| format!("worker {worker}: {why}"))
    });
    futures_util::future::join_all(asked).await
}

/// Any answer will do: each carries the date, a refusal too.
async fn of_worker(worker: SocketAddr) -> Result<Clock, String> {
    let request = Request::get("/")
        .header(header::HOST, worker.to_string())
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    let request = request.map_err(|why| why.to_string())?;
    let stream = TcpStream::connect(worker)
        .await
        .map_err(|why| why.to_string())?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|why| why.to_string())?;
    let before = SystemTime::now();
    let exchange = sender.send_request(request);
    let mut exchange = std::pin::pin!(exchange);
    // The connection must be driven beside the exchange.
    let answer = tokio::select! {
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    };
    let answer = answer.map_err(|why| why.to_string())?;
    let date = answer.headers().get(header::DATE);
    let date = date.and_then(|date| date.to_str().ok()?.parse::<httpdate::HttpDate>().ok());
    let date = date.ok_or("its answer has no date")?;
    let between = Between {
        before,
        after: SystemTime::now(),
    };
    Ok(between.clock(format!("worker {worker}"), date.into(), WHOLE_SECONDS))
}

/// When a clock was asked, by this one.
#[derive(Debug, Clone, Copy)]
pub struct Between {
    /// Before the question.
    pub before: SystemTime,
    /// After the answer.
    pub after: SystemTime,
}

impl Between {
    /// What another clock showed meanwhile, cut to units of `grain` seconds.
    pub fn clock(self, whose: String, showed: SystemTime, grain: f64) -> Clock {
        let (before, after) = (seconds(self.before), seconds(self.after));
        let half = (after - before).abs() / 2.0;
        Clock {
            whose,
            ahead: seconds(showed) + grain / 2.0 - (before + half),
            unsure: half + grain / 2.0,
        }
    }
}

fn seconds(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// A time such as `2026-01-31T10:20:30.5+01:00`, as RFC 3339 has it.
pub fn rfc_3339(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let zone = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone);
    let mut parts = clock.split(':');
    let hours: f64 = parts.next()?.parse().ok()?;
    let minutes: f64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next()?.parse().ok()?;
    let offset = match zone.split_at_checked(1)? {
        ("Z", "") => 0.0,
        (sign, zone) => {
            let (hours, minutes) = zone.split_once(':')?;
            let offset = hours.parse::<f64>().ok()? * 3600.0 + minutes.parse::<f64>().ok()? * 60.0;
            if sign == "-" { -offset } else { offset }
        }
    };
    let days = days_since_1970(year, month, day) as f64;
    let since = days * 86_400.0 + hours * 3600.0 + minutes * 60.0 + seconds - offset;
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(since).ok()?)
}

/// Counts in years that begin in March, so that leap days come last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719 468 days lie between the first of March of year 0 and 1970.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_every_zone_are_understood() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2000-02-29T12:00:00Z", 951_825_600.0),
            ("2026-11-21T15:41:08.5Z", 1_795_275_668.5),
            ("2026-11-21T16:41:08+01:00", 1_795_275_668.0),
            ("2026-11-21T10:11:08-05:30", 1_795_275_668.0),
        ];
        for (text, expected) in cases {
            let time = rfc_3339(text).unwrap();
            assert!(
                (seconds(time) - expected).abs() < 0.001,
                "{text}: {}",
                seconds(time)
            );
        }
        for text in [
            "",
            "2026-11-21",
            "2026-13-01T00:00:00Z",
            "x-y-zT0:0:0Z",
            "2026-11-21T1:2Z",
        ] {
            assert_eq!(rfc_3339(text), None, "{text}");
        }
    }

    #[test]
    fn the_time_of_the_question_makes_the_answer_unsure() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let between = Between {
            before: at(100),
            after: at(102),
        };
        let clock = between.clock("x".into(), at(111), 0.0);
        assert_eq!((clock.ahead, clock.unsure), (10.0, 1.0));
        let clock = between.clock("x".into(), at(90), 1.0);
        assert_eq!((clock.ahead, clock.unsure), (-10.5, 1.5));
    }
}
