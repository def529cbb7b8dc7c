/// The error of a conformance case: a promise that a backend does not keep, with the expected and the observed result.
public struct BrokenPromise: Error, Hashable, Sendable {
  /// The broken promise: the ``RuntimeConformance/Case/promise`` of the case.
  public let promise: String
  /// The area of the promise.
  public let area: RuntimeConformance.Area
  /// The subject of the check, such as "a read after the end".
  public let subject: String
  /// The expected result.
  public let expected: String
  /// The observed result.
  public let seen: String
  /// The source location of the check in this library, such as "RuntimeTesting/StreamPromises.swift:42".
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
  /// A description of the promise and both results.
  public var description: String {
    "\(area.rawValue): “\(promise)” is not kept. \(subject): expected \(expected), saw \(seen) (\(location))"
  }
}

/// A failed check of a case.
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
