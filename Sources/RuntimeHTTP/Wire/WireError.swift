/// The reason why a message is refused: it is malformed or too large.
package struct WireError: Error, Sendable {
  /// The status for responding to such a request. For a response, it only classifies the fault.
  package let status: Status
  /// The details, if the status alone does not say enough.
  package let reason: StaticString?

  init(_ status: Status, _ reason: StaticString? = nil) {
    self.status = status
    self.reason = reason
  }

  static func malformed(_ reason: StaticString) -> WireError { WireError(.badRequest, reason) }
}

extension WireError: CustomStringConvertible {
  package var description: String { reason.map { "\(status): \($0)" } ?? "\(status)" }
}
