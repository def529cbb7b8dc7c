/// What a task is waiting for.
public struct TaskWait: Hashable, Sendable {
  /// A category of waits.
  public struct Kind: Hashable, Sendable {
    fileprivate enum Value: Hashable { case io(IOError.Operation), sleep, blockingWork, tasks }

    fileprivate let value: Value

    private init(_ value: Value) { self.value = value }

    /// A wait for an operation on a socket or an equivalent.
    public static func io(_ operation: IOError.Operation) -> Kind { Kind(.io(operation)) }
    /// A wait for a time.
    public static let sleep = Kind(.sleep)
    /// A wait for a call of `runBlocking` to return.
    public static let blockingWork = Kind(.blockingWork)
    /// A wait for other tasks to end.
    public static let tasks = Kind(.tasks)
  }

  /// The category.
  public let kind: Kind
  /// The specific object, such as a peer's address or a time; `nil` if unknown.
  public let subject: String?

  /// Creates a wait of this kind for `subject`.
  public init(_ kind: Kind, for subject: String? = nil) {
    self.kind = kind
    self.subject = subject
  }
}

extension TaskWait: CustomStringConvertible {
  /// A predicate for a task: "reads from 127.0.0.1:51244", "sleeps until 1.5 s".
  public var description: String {
    guard let subject else { return kind.description }
    return "\(kind) \(kind.preposition)\(subject)"
  }
}

extension TaskWait.Kind: CustomStringConvertible {
  /// A predicate for a task: "reads", "sleeps".
  public var description: String {
    switch value {
    case .io(.accept): "accepts connections"
    case .io(.connect): "connects"
    case .io(.read): "reads"
    case .io(.receive): "receives"
    case .io(.write): "writes"
    case .io(.send): "sends"
    case .io(let operation): "waits to \(operation)"
    case .sleep: "sleeps"
    case .blockingWork: "waits for blocking work"
    case .tasks: "waits for tasks"
    }
  }

  /// The preposition between the verb and the subject of the wait.
  fileprivate var preposition: String {
    switch value {
    case .io(.accept): "at "
    case .io(.read), .io(.receive), .io(.send): "from "
    case .io: "to "
    case .sleep: "until "
    case .blockingWork, .tasks: "of "
    }
  }
}
