//! The zones of the rehearsal by name, and which of them are lost.

use std::sync::{Arc, Mutex, PoisonError};

use ecs::scheduler::Zone;
use serde::{Deserialize, Serialize};

/// All zones; handles to them are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Zones {
    names: Arc<[String]>,
    open: Arc<Mutex<Vec<bool>>>,
}

/// A zone at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ZoneStatus {
    pub(crate) name: String,
    pub(crate) lost: bool,
}

impl Zones {
    /// Zones with these names, all open.
    pub(crate) fn new(names: &[String]) -> Self {
        Self {
            names: names.into(),
            open: Arc::new(Mutex::new(vec![true; names.len()])),
        }
    }

    pub(crate) fn names(&self) -> &Arc<[String]> {
        &self.names
    }

    /// Opens or closes a zone: its place in the list.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) fn set(&self, name: &str, open: bool) -> Result<Zone, String> {
        let zone = self.names.iter().position(|known| known == name);
        let zone = zone.ok_or_else(|| {
            let names = self.names.join(", ");
            format!("there is no zone {name}; there are {names}")
        })?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner)[zone] = open;
        Ok(zone)
    }

    pub(crate) fn status(&self) -> Vec<ZoneStatus> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let zones = self.names.iter().zip(&*open);
        zones
            .map(|(name, open)| ZoneStatus {
                name: name.clone(),
                lost: !open,
            })
            .collect()
    }
}

/// Parses the name of a zone.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let fits = (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned())
        .ok_or_else(|| "takes names of 1 to 63 printable characters".to_owned())
}
