import CRuntime
import Glibc
import RuntimePrimitives

/// The current activity of a task, for reports of stalls and crashes. A server notes the route that a task handles.
///
/// Setting a note is a load and a store, since a server does it for each request. The watchdog may read it at any
/// moment, while the task runs or after it has ended. Therefore notes live in a table indexed by task address. If that
/// part of the table is full, the note is dropped and a report says less.
package struct TaskNote {
  /// An activity: created once, and noted often.
  package struct Label: Sendable {
    fileprivate let number: UInt32

    /// Creates the label that reads `text`. Labels live as long as the process, so there should be few of them.
    package init(_ text: String) {
      number = TaskNote.labels.withLock { count in
        let used = 0..<count
        if let number = used.first(where: { strcmp(gearbox_label_text($0), text) == 0 }) { return number }
        // Further labels share the first one, which is empty.
        guard count < gearbox_max_labels else { return 0 }
        gearbox_set_label_text(count, text)
        defer { count += 1 }
        return count
      }
    }

    /// The empty label, for activities that are not reported.
    package static let none = Label("")
  }

  /// The number of labels. Their texts are in a table in C, where the signal handler of a crash can read them. The
  /// first one is empty.
  private static let labels = Lock<UInt32>(1)

  private let slot: UInt32

  /// Notes that the current task performs `label`, until the note is cleared.
  package init(_ label: Label) { slot = gearbox_note(label.number) }

  /// Clears the note. The task may have moved to another thread.
  package func clear() { gearbox_clear_note(slot) }

  /// Returns the noted activity of the task at address `task`, or `nil` if there is none.
  package static func text(of task: UInt) -> String? {
    let number = gearbox_noted_label(task)
    return number == 0 ? nil : String(cString: gearbox_label_text(number))
  }
}
