import Synchronization

/// What tasks say that they are doing, for reports of stalls: a server's task, which route it answers.
///
/// A note is one store, since a server makes one for each request: the watchdog may read it at any moment, while the task
/// runs or after it has ended. The notes lie in a table by the address of their task, without a look at what is there: of
/// two tasks that share a place, one loses its note, and a report says less.
package enum TaskNotes {
  /// Something that tasks do, made once and noted often.
  package struct Label: Hashable, Sendable {
    fileprivate let number: UInt64

    /// The label of what is not worth a word.
    package static let none = Label("")

    /// The label that reads `text`. Labels are kept for as long as the process lives, so there should be few of them.
    package init(_ text: String) {
      number = TaskNotes.texts.withLock { texts in
        if let index = texts.firstIndex(of: text) { return UInt64(index) }
        // More than fit beside an address share the first, which says nothing.
        guard texts.count < 1 << labelBits else { return 0 }
        texts.append(text)
        return UInt64(texts.count - 1)
      }
    }
  }

  /// Says that the current task does `label` from now on.
  package static func note(_ label: Label) {
    let task = currentTask()
    guard task != 0 else { return }
    // Relaxed, here and below: one word says it all.
    cells[place(of: task)].store(word(task, label.number), ordering: .relaxed)
  }

  /// Says that the current task does nothing of note any more.
  package static func clear() {
    cells[place(of: currentTask())].store(0, ordering: .relaxed)
  }

  /// What the task at address `task` does, as far as is known.
  package static func text(of task: UInt) -> String? {
    let found = cells[place(of: task)].load(ordering: .relaxed)
    let number = Int(found & (1 << labelBits - 1))
    guard found == word(task, UInt64(number)), number != 0 else { return nil }
    return texts.withLock { $0[number] }
  }

  private static let labelBits: UInt64 = 20
  /// Enough for the tasks that run at any moment, in 32 KiB.
  private static let cellCount = 4096
  private static let cells = Cells()
  private static let texts = Lock([""])

  /// The address without its lowest four bits, which are 0, and the label.
  private static func word(_ task: UInt, _ label: UInt64) -> UInt64 {
    UInt64(UInt(truncatingIfNeeded: task) >> 4) << labelBits | label
  }

  private static func place(of task: UInt) -> Int {
    // Fibonacci hashing (Knuth, volume 3, section 6.4): addresses of tasks have much in common.
    Int((UInt64(task >> 4) &* 0x9E37_79B9_7F4A_7C15) >> 52)
  }

  private static func currentTask() -> UInt {
    withUnsafeCurrentTask { task in task.map { unsafe unsafeBitCast($0, to: UInt.self) } ?? 0 }
  }

  /// Memory that is never given back, since tasks make notes for as long as the process lives.
  private struct Cells: @unchecked Sendable {  // Atomics at an address that does not change.
    private let memory: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
      memory = .allocate(capacity: cellCount)
      for index in 0..<cellCount { (memory + index).initialize(to: Atomic(0)) }
    }

    subscript(index: Int) -> Atomic<UInt64> {
      unsafeAddress { UnsafePointer(memory + index) }
    }
  }
}
