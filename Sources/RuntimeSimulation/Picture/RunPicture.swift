import Runtime

/// A failed run as an HTML page: hosts side by side, time downwards, messages as arrows.
///
/// `picture.html` has the script that draws the run from JSON in the page. This type chooses the rows and writes the
/// JSON.
struct RunPicture {
  private let failure: SimulationFailure
  private let journal: Journal
  /// The events before the run failed. Later events are those of shutting down.
  private let events: ArraySlice<Journal.Event>
  private let messages: Messages
  private let rows: [PictureRow]
  /// The index of each shown row, by the index of its last event.
  private var places: [Int: Int] = [:]
  /// The rows and gaps that are shown, in order.
  private var shown: [Entry] = []

  private enum Entry {
    case row(PictureRow)
    case gap(Range<Int>)
  }

  /// The most rows to show: as many as a browser draws at once, and more than a reader looks at.
  static let rowLimit = 1500
  /// The number of rows at the end that are always shown.
  private static let lastRows = 1000
  /// The numbers of rows that are shown before and after a fault.
  private static let rowsBefore = 20, rowsAfter = 60

  init(_ failure: SimulationFailure) {
    self.failure = failure
    journal = failure.journal
    events = journal.events.prefix(max(0, failure.eventCount - journal.forgottenCount))
    messages = Messages(events)
    rows = PictureRow.rows(of: events)
    choose()
  }

  /// The page, complete in one file.
  var page: String {
    // Both texts are ours, so the placeholder occurs once.
    let parts = String(decoding: PackageResources.picture_html, as: UTF8.self).split(separator: "{run}", maxSplits: 1)
    return parts.joined(separator: json.text)
  }

  // MARK: Choosing

  /// Chooses the last rows, and those around each fault until the limit is reached.
  private mutating func choose() {
    var isChosen = [Bool](repeating: false, count: rows.count)
    var count = 0
    func choose(_ range: Range<Int>) {
      for index in range.clamped(to: rows.indices) where !isChosen[index] {
        isChosen[index] = true
        count += 1
      }
    }
    choose(rows.count - Self.lastRows..<rows.count)
    for (index, row) in rows.enumerated() where count < Self.rowLimit {
      if case .fault = events[row.last].kind { choose(index - Self.rowsBefore..<index + Self.rowsAfter) }
    }
    var start = 0
    for index in 0...rows.count where index == rows.count || isChosen[index] {
      if start < index { shown.append(.gap(rows[start].events.lowerBound..<rows[index - 1].events.upperBound)) }
      guard index < rows.count else { break }
      places[rows[index].last] = shown.count
      shown.append(.row(rows[index]))
      start = index + 1
    }
  }

  /// Returns the index of the shown row of an event; `nil` if it is left out.
  private func place(of event: Int) -> Int? {
    // Searches for the last row that does not begin after the event.
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].events.lowerBound <= event { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : places[rows[low - 1].last]
  }

  // MARK: JSON

  private var json: JSON {
    .object([
      "seed": .text("\(failure.seed)"),
      "cause": .text("\(failure.cause)"),
      "time": .text(time(events.last?.time ?? 0)),
      "events": .number(events.count),
      "forgotten": .number(journal.forgottenCount),
      "faultCount": .number(failure.faultCount),
      "faults": .list(failure.faults.map { .text($0.description) }),
      "hosts": .list(
        failure.hosts.map { .object(["number": .number($0.number), "address": .text($0.address.description)]) }),
      "rows": .list(shown.map(json(of:)) + failure.waiters.map(json(of:))),
    ])
  }

  private func json(of entry: Entry) -> JSON {
    switch entry {
    case .gap(let range): span(range).with(["kind": "gap"])
    case .row(let row):
      switch row.content {
      case .event: json(of: row)
      case .routine: span(row.events).with(["kind": "fold", "text": "A task ran or slept, and nothing else happened"])
      case .repetition(let first, let count):
        span(row.events).with([
          "kind": "fold", "text": .text("\(count) times more"), "of": .list(first.map { .text(text(of: events[$0])) }),
        ])
      }
    }
  }

  /// Returns the members that describe several events together.
  private func span(_ range: Range<Int>) -> JSON {
    let from = events[range.lowerBound].time
    return .object([
      "time": .text(time(from)), "nanoseconds": .number(Int(from)),
      "until": .text(time(events[range.upperBound - 1].time)),
      "count": .number(range.count),
    ])
  }

  private func json(of row: PictureRow) -> JSON {
    let event = events[row.last]
    var fields: [String: JSON] = [
      "time": .text(time(event.time)), "nanoseconds": .number(Int(event.time)), "kind": .text(event.kind.name),
      "text": .text("\(event.kind)"), "count": .number(row.events.count),
      "number": .number(journal.forgottenCount + row.last + 1),
    ]
    if event.task > 0 {
      fields["task"] = .number(event.task)
      fields["name"] = .text(journal.name(ofTask: event.task))
    }
    if let connection = event.kind.connection { fields["connection"] = .number(connection) }
    if case .fault(let fault) = event.kind {
      fields["hosts"] = .list(messages.hosts(of: fault).map { .number($0) })
      fields["fault"] = failure.faults.firstIndex(of: fault).map { .number($0) }
    } else {
      // The task of the body was started on no host. It begins with the runtime of the first.
      let host = journal.host(of: event)
      fields["hosts"] = .list([.number(host == 0 && event.task > 0 ? 1 : host)])
    }
    let sources = messages.sources(of: row.last)
    if !sources.isEmpty {
      fields["from"] = .list(
        sources.map { source in
          place(of: source).map { .number($0) } ?? .text(text(of: events[source]))
        })
    }
    return .object(fields)
  }

  /// Returns the row of a task that was waiting when the run failed.
  private func json(of waiter: Waiter) -> JSON {
    .object([
      "kind": "waits", "text": .text("waits: \(waiter.reason)"), "hosts": .list([.number(waiter.host)]),
      "task": .number(waiter.task), "name": .text(journal.name(ofTask: waiter.task)),
      "time": .text(time(events.last?.time ?? 0)), "nanoseconds": .number(Int(events.last?.time ?? 0)),
    ])
  }

  private func text(of event: Journal.Event) -> String { journal.text(of: event) }
  private func time(_ nanoseconds: Int64) -> String { Duration.nanoseconds(nanoseconds).text }
}
