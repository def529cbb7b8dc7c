/// A key for a value that is stored in a request, so that middleware can pass it to the handlers behind it.
///
/// ```swift
/// enum UserKey: RequestKey {
///   typealias Value = User
/// }
///
/// extension Request {
///   var user: User? {
///     get { self[UserKey.self] }
///     set { self[UserKey.self] = newValue }
///   }
/// }
/// ```
public protocol RequestKey {
  /// The type of the value stored under this key.
  associatedtype Value: Sendable
}
