import CRuntime
import RuntimePrimitives

/// What tasks say that they are doing, for reports of stalls: a server's task, which route it answers.
///
/// A note is a load and a store, since a server makes one for each request. The watchdog may read it at any moment, while
/// the task runs or after it has ended, so it lies in a table by the address of its task. Where that part of the table is
/// full there is no note, and a report says less.
package struct TaskNote {
  /// Something that tasks do: made once, and noted often.
  package struct Label: Sendable {
    fileprivate let number: UInt32

    /// The label that reads `text`. Labels are kept for as long as the process lives, so there should be few of them.
    package init(_ text: String) {
      number = TaskNote.texts.withLock { texts in
        if let index = texts.firstIndex(of: text) { return UInt32(index) }
        // A million fit into a note. Those beyond share the first, which says nothing.
        guard texts.count < 1 << 20 else { return 0 }
        texts.append(text)
        return UInt32(texts.count - 1)
      }
    }

    /// The label of what is not worth a word.
    package static let none = Label("")
  }

  private static let texts = Lock([""])

  private let place: UInt32

  /// Notes that the current task does `label` until the note is cleared.
  package init(_ label: Label) { place = gearbox_note(label.number) }

  /// Clears the note. The task may have gone on on another thread.
  package func clear() { gearbox_clear_note(place) }

  /// What the task at address `task` does, as far as is known.
  package static func text(of task: UInt) -> String? {
    let number = Int(gearbox_noted_label(task))
    return number == 0 ? nil : texts.withLock { $0[number] }
  }
}
