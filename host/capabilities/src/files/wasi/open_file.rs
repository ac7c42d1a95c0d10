//! A file that is open: its content in the host's memory, counted, until the last handle on it is gone.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use portcullis_model::files::{MAX_FILE, Path};
use portcullis_runtime::wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorFlags, ErrorCode};

/// What one call can hold open, all files together, in bytes.
pub const OPEN_BYTES: usize = 16 * 1024 * 1024;

/// The room that a call has for open files. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Room(Arc<AtomicUsize>);

/// Part of the room, given back when it is dropped.
#[derive(Debug)]
struct Taken {
    room: Room,
    bytes: usize,
}

impl Taken {
    fn grow(&mut self, to: usize) -> Result<(), ErrorCode> {
        let more = to.saturating_sub(self.bytes);
        let fits = |taken: usize| taken.checked_add(more).filter(|sum| *sum <= OPEN_BYTES);
        let took = self.room.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        took.map_err(|_| ErrorCode::InsufficientMemory)?;
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An open file. Its streams share it.
#[derive(Clone, Debug)]
pub struct OpenFile {
    pub path: Path,
    pub flags: DescriptorFlags,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
struct Held {
    content: Vec<u8>,
    taken: Taken,
    /// The most bytes that the grant allows for all files.
    quota: u64,
    /// Whether it has to be written.
    dirty: bool,
    /// Whether its descriptor is gone, so that nobody would write it any more.
    closed: bool,
}

impl OpenFile {
    /// A file with this content; `new`: one that is not there yet, or not like this, and so has to be written.
    pub fn new(
        room: &Room,
        path: Path,
        flags: DescriptorFlags,
        mut content: Vec<u8>,
        quota: u64,
        new: bool,
    ) -> Result<Self, ErrorCode> {
        content.shrink_to_fit();
        let mut taken = Taken { room: room.clone(), bytes: 0 };
        taken.grow(content.capacity())?;
        let held = Held { content, taken, quota, dirty: new, closed: false };
        Ok(Self { path, flags, held: Arc::new(Mutex::new(held)) })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its size now.
    pub fn len(&self) -> usize {
        self.held().content.len()
    }

    /// At most so many bytes from a place on.
    pub fn read(&self, at: u64, most: usize) -> Result<Vec<u8>, ErrorCode> {
        if !self.flags.contains(DescriptorFlags::READ) {
            return Err(ErrorCode::BadDescriptor);
        }
        let held = self.held();
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(held.content.len());
        let to = from.saturating_add(most).min(held.content.len());
        Ok(held.content[from..to].to_vec())
    }

    /// Writes at a place, or at the end; gives the place behind it. What lies between the end and the place becomes zeros.
    pub fn write(&self, at: Option<u64>, bytes: &[u8]) -> Result<u64, ErrorCode> {
        let mut held = self.held();
        let from = at.map_or(Ok(held.content.len()), usize::try_from).map_err(|_| ErrorCode::FileTooLarge)?;
        let to = from.checked_add(bytes.len()).ok_or(ErrorCode::FileTooLarge)?;
        let size = to.max(held.content.len());
        self.change(&mut held, size)?;
        held.content[from..to].copy_from_slice(bytes);
        Ok(to as u64)
    }

    /// Makes it so long.
    pub fn set_len(&self, size: u64) -> Result<(), ErrorCode> {
        let size = usize::try_from(size).map_err(|_| ErrorCode::FileTooLarge)?;
        self.change(&mut self.held(), size)
    }

    fn change(&self, held: &mut Held, size: usize) -> Result<(), ErrorCode> {
        if held.closed || !self.flags.contains(DescriptorFlags::WRITE) {
            return Err(ErrorCode::BadDescriptor);
        }
        if size > MAX_FILE {
            return Err(ErrorCode::FileTooLarge);
        }
        if size > held.content.len() && size as u64 > held.quota {
            return Err(ErrorCode::Quota);
        }
        if size > held.content.capacity() {
            // Twice as much each time, so that many small writes cost no more than one; counted as what is really there.
            let twice = held.content.capacity().saturating_mul(2).min(MAX_FILE);
            let capacity = if held.taken.grow(size.max(twice)).is_ok() { size.max(twice) } else { size };
            held.taken.grow(capacity)?;
            let more = capacity - held.content.len();
            held.content.reserve_exact(more);
        }
        held.content.resize(size, 0);
        held.dirty = true;
        Ok(())
    }

    /// The content to write, where there is anything to write: from now on it counts as written.
    pub fn take_dirty(&self) -> Option<Vec<u8>> {
        let mut held = self.held();
        std::mem::take(&mut held.dirty).then(|| held.content.clone())
    }

    /// What was taken was not written after all.
    pub fn still_dirty(&self) {
        self.held().dirty = true;
    }

    /// Its descriptor is gone: nothing can be written any more.
    pub fn close(&self) {
        self.held().closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(room: &Room, content: &[u8], quota: u64) -> Result<OpenFile, ErrorCode> {
        let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
        OpenFile::new(room, Path::parse("f").unwrap(), flags, content.to_vec(), quota, false)
    }

    fn taken(room: &Room) -> usize {
        room.0.load(Ordering::Relaxed)
    }

    #[test]
    fn reads_and_writes_anywhere() {
        let file = open(&Room::default(), b"hello", 100).unwrap();
        assert_eq!(file.take_dirty(), None);
        assert_eq!(file.read(1, 3).unwrap(), b"ell");
        assert_eq!(file.read(4, 100).unwrap(), b"o");
        assert_eq!(file.read(u64::MAX, usize::MAX).unwrap(), b"");
        assert_eq!(file.write(Some(7), b"!"), Ok(8));
        assert_eq!(file.write(None, b"?"), Ok(9));
        assert_eq!(file.take_dirty().unwrap(), b"hello\0\0!?");
        assert_eq!(file.take_dirty(), None);
        file.set_len(2).unwrap();
        assert_eq!(file.take_dirty().unwrap(), b"he");
    }

    #[test]
    fn keeps_to_the_quota_the_size_and_the_room() {
        let room = Room::default();
        let small = open(&room, b"12345", 10).unwrap();
        assert_eq!(small.write(Some(6), b"12345"), Err(ErrorCode::Quota));
        assert_eq!(small.set_len(11), Err(ErrorCode::Quota));
        small.write(Some(5), b"12345").unwrap();
        let file = open(&room, b"", u64::MAX).unwrap();
        assert_eq!(file.write(Some(MAX_FILE as u64), b"1"), Err(ErrorCode::FileTooLarge));
        assert_eq!(file.write(Some(u64::MAX), b"1"), Err(ErrorCode::FileTooLarge));
        assert_eq!(file.set_len(u64::MAX), Err(ErrorCode::FileTooLarge));
        assert_eq!(file.take_dirty(), None, "what was refused changed nothing");
        assert_eq!(taken(&room), 10);
        let many: Vec<OpenFile> = (0..3).map(|_| open(&room, b"", u64::MAX).unwrap()).collect();
        for file in &many {
            file.set_len(MAX_FILE as u64).unwrap();
        }
        let last = open(&room, b"", u64::MAX).unwrap();
        assert_eq!(last.set_len(MAX_FILE as u64), Err(ErrorCode::InsufficientMemory));
        last.set_len((MAX_FILE - 10) as u64).unwrap();
        assert_eq!(open(&room, b"1", 1).err(), Some(ErrorCode::InsufficientMemory));
        drop(many);
        assert_eq!(taken(&room), MAX_FILE);
        last.set_len(3).unwrap();
        assert_eq!(taken(&room), MAX_FILE, "what was allocated stays counted");
        drop((last, file, small));
        assert_eq!(open(&room, b"1", 1).map(|file| file.len()), Ok(1));
        assert_eq!(taken(&room), 0);
    }

    #[test]
    fn many_small_writes_take_at_most_twice_what_is_there() {
        let room = Room::default();
        let file = open(&room, b"", u64::MAX).unwrap();
        for n in 1..=100_000 {
            file.write(None, b"x").unwrap();
            assert!(taken(&room) <= 2 * n, "{n}");
        }
        assert_eq!(file.len(), 100_000);
    }

    #[test]
    fn the_last_bit_of_room_can_be_used() {
        let room = Room::default();
        let mut others = Taken { room: room.clone(), bytes: 0 };
        others.grow(OPEN_BYTES - 15).unwrap();
        let file = open(&room, b"1234567890", u64::MAX).unwrap();
        file.set_len(15).unwrap();
        assert_eq!((file.set_len(16), taken(&room)), (Err(ErrorCode::InsufficientMemory), OPEN_BYTES));
    }

    #[test]
    fn does_what_it_was_opened_for() {
        let room = Room::default();
        let with = |flags| OpenFile::new(&room, Path::parse("f").unwrap(), flags, b"1".to_vec(), 10, false).unwrap();
        assert_eq!(with(DescriptorFlags::READ).write(None, b"1"), Err(ErrorCode::BadDescriptor));
        assert_eq!(with(DescriptorFlags::READ).set_len(0), Err(ErrorCode::BadDescriptor));
        assert_eq!(with(DescriptorFlags::WRITE).read(0, 1), Err(ErrorCode::BadDescriptor));
        let file = with(DescriptorFlags::WRITE);
        file.close();
        assert_eq!(file.write(None, b"1"), Err(ErrorCode::BadDescriptor));
    }
}
