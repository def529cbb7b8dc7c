/// A handler made of one function.
public struct HandlerFunction: Handler {
  private let function: @Sendable (Request) async throws -> Response

  /// Creates a handler that responds with the result of `function`.
  public init(_ function: @escaping @Sendable (Request) async throws -> Response) { self.function = function }

  /// Returns the result of the function.
  public func respond(to request: Request) async throws -> Response { try await function(request) }
}
