import CRuntime
import Glibc
import RuntimePrimitives

/// What tasks say that they are doing, for reports of stalls and crashes: a server's task, which route it
/// answers.
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
      number = TaskNote.labels.withLock { count in
        let used = 0..<count
        if let number = used.first(where: { strcmp(gearbox_label_text($0), text) == 0 }) { return number }
        // Those beyond share the first, which says nothing.
        guard count < gearbox_most_labels else { return 0 }
        gearbox_set_label_text(count, text)
        defer { count += 1 }
        return count
      }
    }

    /// The label of what is not worth a word.
    package static let none = Label("")
  }

  /// How many labels there are. Their texts are in a table of C's, where the signal handler of a crash can read them. The
  /// first reads nothing.
  private static let labels = Lock<UInt32>(1)

  private let place: UInt32

  /// Notes that the current task does `label` until the note is cleared.
  package init(_ label: Label) { place = gearbox_note(label.number) }

  /// Clears the note. The task may have gone on on another thread.
  package func clear() { gearbox_clear_note(place) }

  /// What the task at address `task` does, as far as is known.
  package static func text(of task: UInt) -> String? {
    let number = gearbox_noted_label(task)
    return number == 0 ? nil : String(cString: gearbox_label_text(number))
  }
}
