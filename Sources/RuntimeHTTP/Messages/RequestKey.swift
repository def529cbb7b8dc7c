/// Names a value that goes along with a request: from the middleware that finds it out to what is behind.
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
  /// What goes along under the key.
  associatedtype Value: Sendable
}
