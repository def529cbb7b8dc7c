/// A message that the types on one side can hold and those on the other cannot.
public struct UnrepresentableMessage: Error, Hashable, Sendable, CustomStringConvertible {
  enum Reason: Hashable {
    case tooManyFields(Int)
    case fieldName(String)
    case method(String)
    case target(String?)
    case status(Int)
  }

  let reason: Reason

  init(_ reason: Reason) { self.reason = reason }

  /// What it is that cannot be held.
  public var description: String {
    switch reason {
    case .tooManyFields(let count): "\(count) fields are more than HTTPFields holds"
    case .fieldName(let name): "\(name.debugDescription) is no name of a field"
    case .method(let name): "\(name.debugDescription) is no method, or one of more than 24 bytes"
    case .target(let path?): "\(path.debugDescription) is no target of a request"
    case .target(nil): "the request has no target: a path, or for CONNECT an authority"
    case .status(let code): "\(code) is no status of a response: it has to be 0 to 999"
    }
  }
}
