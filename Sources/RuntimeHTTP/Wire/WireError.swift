/// What is wrong with a message that a peer sends, or too much of it.
package struct WireError: Error, Sendable {
  /// The status that a server answers such a request with. For a response it says no more than what kind of fault it is.
  package let status: Status
  /// What is wrong, where the status does not say it already.
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
