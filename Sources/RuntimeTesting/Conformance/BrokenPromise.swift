/// A promise that a backend does not keep, and what was seen instead of what.
public struct BrokenPromise: Error, Hashable, Sendable {
  /// What was promised: the ``RuntimeConformance/Case/promise`` of the case.
  public let promise: String
  /// What the promise is about.
  public let area: RuntimeConformance.Area
  /// What was looked at, as in "what a read gives after the peer has finished".
  public let subject: String
  /// What it should have been.
  public let expected: String
  /// What it was.
  public let seen: String
  /// Where in this library's sources it was looked at, as in "RuntimeTesting/StreamPromises.swift:42".
  public let location: String

  init(promise: String, area: RuntimeConformance.Area, finding: Finding) {
    self.promise = promise
    self.area = area
    subject = finding.subject
    expected = finding.expected
    seen = finding.seen
    location = finding.location
  }
}

extension BrokenPromise: CustomStringConvertible {
  /// For a person to read.
  public var description: String {
    "\(area.rawValue): “\(promise)” is not kept. \(subject): expected \(expected), saw \(seen) (\(location))"
  }
}

/// What a case has found.
struct Finding: Error {
  var subject: String
  var expected: String
  var seen: String
  var location: String

  init(_ subject: String, expected: String, seen: String, at location: String) {
    self.subject = subject
    self.expected = expected
    self.seen = seen
    self.location = location
  }
}
