//! Keeps accounts in memory and writes every change to an append-only file first.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub u64);

#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    Opened { account: AccountId, owner: String },
    Moved { from: AccountId, to: AccountId, cents: i64, note: Option<String> },
    Closed { account: AccountId },
}

#[derive(Debug)]
pub enum LedgerError {
    Io(io::Error),
    Unknown(AccountId),
    Overdrawn { account: AccountId, missing: i64 },
    Torn { line: usize, reason: &'static str },
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LedgerError::Io(error) => write!(f, "the ledger file cannot be used: {error}"),
            LedgerError::Unknown(id) => write!(f, "there is no account {}", id.0),
            LedgerError::Overdrawn { account, missing } => {
                write!(f, "account {} lacks {}.{:02}", account.0, missing / 100, missing % 100)
            }
            LedgerError::Torn { line, reason } => write!(f, "line {line}: {reason}"),
        }
    }
}

impl std::error::Error for LedgerError {}

impl From<io::Error> for LedgerError {
    fn from(error: io::Error) -> Self {
        LedgerError::Io(error)
    }
}

#[derive(Default)]
pub struct Balances {
    cents: BTreeMap<AccountId, i64>,
    owners: HashMap<AccountId, String>,
}

impl Balances {
    pub fn apply(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        match entry {
            Entry::Opened { account, owner } => {
                self.cents.insert(*account, 0);
                self.owners.insert(*account, owner.clone());
                Ok(())
            }
            Entry::Moved { from, to, cents, .. } => {
                let have = *self.cents.get(from).ok_or(LedgerError::Unknown(*from))?;
                if !self.cents.contains_key(to) {
                    return Err(LedgerError::Unknown(*to));
                }
                if have < *cents {
                    return Err(LedgerError::Overdrawn { account: *from, missing: cents - have });
                }
                *self.cents.get_mut(from).unwrap() -= cents;
                *self.cents.entry(*to).or_default() += cents;
                Ok(())
            }
            Entry::Closed { account } => match self.cents.remove(account) {
                Some(_) => Ok(()),
                None => Err(LedgerError::Unknown(*account)),
            },
        }
    }

    pub fn total(&self) -> i64 {
        self.cents.values().sum()
    }

    pub fn richest<'a>(&'a self, count: usize) -> Vec<(&'a str, i64)> {
        let mut all: Vec<_> = self
            .cents
            .iter()
            .filter_map(|(id, cents)| self.owners.get(id).map(|owner| (owner.as_str(), *cents)))
            .collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        all.truncate(count);
        all
    }
}

pub struct Ledger {
    path: PathBuf,
    file: File,
    pub balances: Balances,
}

impl Ledger {
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LedgerError> {
        let path = path.as_ref().to_path_buf();
        let mut balances = Balances::default();
        if path.exists() {
            for (number, line) in BufReader::new(File::open(&path)?).lines().enumerate() {
                let entry = parse(&line?).map_err(|reason| LedgerError::Torn { line: number + 1, reason })?;
                balances.apply(&entry)?;
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        Ok(Self { path, file, balances })
    }

    pub fn record(&mut self, entry: Entry) -> Result<(), LedgerError> {
        self.balances.apply(&entry)?;
        writeln!(self.file, "{}", render(&entry))?;
        self.file.sync_data()?;
        Ok(())
    }
}

fn parse(line: &str) -> Result<Entry, &'static str> {
    let fields: Vec<&str> = line.trim_end().split('\t').collect();
    let id = |at: usize| fields.get(at).and_then(|text| text.parse().ok()).map(AccountId);
    match fields.first().copied() {
        Some("opened") => Ok(Entry::Opened {
            account: id(1).ok_or("no account")?,
            owner: fields.get(2).ok_or("no owner")?.to_string(),
        }),
        Some("moved") => Ok(Entry::Moved {
            from: id(1).ok_or("no source")?,
            to: id(2).ok_or("no target")?,
            cents: fields.get(3).and_then(|text| text.parse().ok()).ok_or("no amount")?,
            note: fields.get(4).map(|text| text.to_string()),
        }),
        Some("closed") => Ok(Entry::Closed { account: id(1).ok_or("no account")? }),
        _ => Err("unknown kind of entry"),
    }
}

fn render(entry: &Entry) -> String {
    match entry {
        Entry::Opened { account, owner } => format!("opened\t{}\t{owner}", account.0),
        Entry::Moved { from, to, cents, note } => {
            format!("moved\t{}\t{}\t{cents}\t{}", from.0, to.0, note.as_deref().unwrap_or(""))
        }
        Entry::Closed { account } => format!("closed\t{}", account.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_keeps_the_total() {
        let mut balances = Balances::default();
        for (number, owner) in ["ada", "grace"].iter().enumerate() {
            balances
                .apply(&Entry::Opened { account: AccountId(number as u64), owner: owner.to_string() })
                .unwrap();
        }
        balances.cents.insert(AccountId(0), 5_000);
        let moved = Entry::Moved { from: AccountId(0), to: AccountId(1), cents: 1_250, note: None };
        balances.apply(&moved).unwrap();
        assert_eq!(balances.total(), 5_000);
        assert_eq!(balances.richest(1), vec![("ada", 3_750)]);
    }
}
