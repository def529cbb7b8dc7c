/// One row of a picture: an event, or several that can be shown as one.
struct PictureRow {
  /// The events of the row, by their index in the journal.
  let events: Range<Int>
  let content: Content

  enum Content {
    /// The last of the events. An event before it only shows that the task began to run.
    case event
    /// Tasks that only ran and slept.
    case routine
    /// The events in `first` are repeated, this many times more.
    case repetition(of: [Int], count: Int)
  }

  /// The index of the last event of the row.
  var last: Int { events.upperBound - 1 }

  /// The most consecutive routine rows that are shown one by one.
  private static let routineShown = 4
  /// The most rows in one repetition, and the most repetitions that are not folded.
  private static let longestPeriod = 8, repetitionsShown = 4

  /// Returns the rows that show `events`.
  static func rows(of events: ArraySlice<Journal.Event>) -> [PictureRow] {
    foldRepetitions(foldRoutine(events), events)
  }

  private static func foldRoutine(_ events: ArraySlice<Journal.Event>) -> [PictureRow] {
    var rows: [PictureRow] = []
    /// The index of the first row after the last one that is not routine.
    var start = 0
    func fold() {
      guard rows.count - start > routineShown else { return }
      let range = rows[start].events.lowerBound..<(rows.last?.events.upperBound ?? 0)
      rows.replaceSubrange(start..., with: [PictureRow(events: range, content: .routine)])
    }
    for (place, event) in zip(events.indices, events) {
      // What a task does shows that it runs, so that event needs no row of its own.
      if let last = rows.last, last.events.count == 1, case .ran = events[last.last].kind,
        events[last.last].task == event.task, events[last.last].time == event.time
      {
        rows[rows.count - 1] = PictureRow(events: last.last..<place + 1, content: .event)
      } else {
        rows.append(PictureRow(events: place..<place + 1, content: .event))
      }
      if event.kind.isRoutine { continue }
      let row = rows.removeLast()
      fold()
      rows.append(row)
      start = rows.count
    }
    fold()
    return rows
  }

  /// What two rows must have in common for one to be a repetition of the other.
  private struct Shape: Hashable {
    let task: Int
    let kind: String
    let connection: Int?
    let host: Int?
  }

  private static func foldRepetitions(_ rows: [PictureRow], _ events: ArraySlice<Journal.Event>) -> [PictureRow] {
    let shapes = rows.map { row -> Shape? in
      let event = events[row.last]
      switch (event.kind, row.content) {
      // Faults are all different, and the program has asked for its notes.
      case (.fault, _), (.note, _): return nil
      case (_, .routine): return Shape(task: 0, kind: "", connection: nil, host: nil)
      default:
        return Shape(task: event.task, kind: event.kind.name, connection: event.kind.connection, host: event.kind.host)
      }
    }
    var folded: [PictureRow] = []
    var start = 0
    while start < rows.count {
      guard let (period, count) = repetition(in: shapes, from: start) else {
        folded.append(rows[start])
        start += 1
        continue
      }
      // The first and the last repetition are shown.
      let first = start..<start + period
      let last = start + period * count..<start + period * (count + 1)
      folded += rows[first]
      folded.append(
        PictureRow(
          events: rows[first.upperBound].events.lowerBound..<rows[last.lowerBound].events.lowerBound,
          content: .repetition(of: rows[first].map(\.last), count: count - 1)))
      folded += rows[last]
      start = last.upperBound
    }
    return folded
  }

  /// Returns the number of rows from `start` on that are repeated, and how often, if that is often enough to fold.
  private static func repetition(in shapes: [Shape?], from start: Int) -> (period: Int, count: Int)? {
    for period in 1...longestPeriod {
      var end = start + period
      while end < shapes.count, let shape = shapes[end], shape == shapes[end - period] { end += 1 }
      let count = (end - start) / period - 1
      if count > repetitionsShown { return (period, count) }
    }
    return nil
  }
}
