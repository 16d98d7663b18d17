//! Whether this worker may act now, and under which number.

use std::fmt;

use serde::Serialize;

/// The number under which something is done. Whoever acts after another acts under a
/// higher one: so what was decided before can be told from what was decided since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Fence(pub u64);

impl Fence {
    /// More numbers than workers give from one moment to the next, also if one of them goes on
    /// from what is left of a group.
    const FURTHEST: u64 = 2_000_000_000;

    /// The highest number that is believed where this one is known: what is further above it was
    /// said by mistake, or to have nobody obeyed any more.
    #[must_use]
    pub fn furthest(self) -> Fence {
        Fence(self.0.saturating_add(Fence::FURTHEST))
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fence {}", self.0)
    }
}

/// Whether this worker may act now. No order takes it away and none gives it: of several
/// workers one has it, and the others see, plan and show the same, and do nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// It may, under this fence.
    Held(Fence),
    /// It may not: who acts instead, as far as that is known, for people.
    Yielded(String),
}

/// What one worker alone always has.
const ALONE: &Authority = &Authority::Held(Fence(0));

impl Authority {
    /// What one worker alone always has.
    pub fn alone() -> &'static Authority {
        ALONE
    }

    /// The fence under which may be acted now; none when another one acts.
    pub fn fence(&self) -> Option<Fence> {
        match self {
            Authority::Held(fence) => Some(*fence),
            Authority::Yielded(_) => None,
        }
    }

    /// Whether what was decided under this fence may be done now.
    ///
    /// # Errors
    ///
    /// Says why not: it was decided without authority, this worker has none any more, or
    /// it has another one since, and has not looked under it.
    pub fn admits(&self, decided: Option<Fence>) -> Result<(), String> {
        match (self, decided) {
            (Authority::Yielded(to), _) => Err(format!("another worker acts: {to}")),
            (Authority::Held(now), Some(then)) if *now == then => Ok(()),
            (Authority::Held(now), Some(then)) => {
                Err(format!("it was decided under {then}, and {now} holds now"))
            }
            (Authority::Held(_), None) => Err("it was decided without authority".into()),
        }
    }
}
