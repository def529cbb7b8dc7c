/// The error of converting a message that the types of the other library cannot represent.
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

  /// A description of the unrepresentable part.
  public var description: String {
    switch reason {
    case .tooManyFields(let count): "\(count) fields exceed the capacity of HTTPFields"
    case .fieldName(let name): "\(name.debugDescription) is not a field name"
    case .method(let name): "\(name.debugDescription) is not a method of at most 24 bytes"
    case .target(let path?): "\(path.debugDescription) is not a request target"
    case .target(nil): "the request has no target, which is a path or, for CONNECT, an authority"
    case .status(let code): "\(code) is not a response status from 0 to 999"
    }
  }
}
