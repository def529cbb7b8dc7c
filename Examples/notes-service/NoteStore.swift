import Synchronization

/// The notes, in memory.
///
/// It uses a lock and not an actor: no operation takes long, and routes that never wait are answered in plain calls.
final class NoteStore: Sendable {
  private let notes = Mutex<[Name: Note]>([:])

  /// The note called `name`, if there is one.
  subscript(name: Name) -> Note? { notes.withLock { $0[name] } }

  /// The names of all notes, in order.
  var names: [Name] { notes.withLock { Array($0.keys) }.sorted { $0.text < $1.text } }

  /// Adds `note`.
  ///
  /// - Returns: whether its name was free.
  func add(_ note: Note) -> Bool {
    notes.withLock { notes in
      guard notes[note.name] == nil else { return false }
      notes[note.name] = note
      return true
    }
  }

  /// Removes the note called `name`.
  ///
  /// - Returns: whether there was one.
  func remove(_ name: Name) -> Bool { notes.withLock { $0.removeValue(forKey: name) != nil } }
}
