/// What a task waits for.
public struct TaskWait: Hashable, Sendable {
  /// The kinds of things that a task can wait for.
  public struct Kind: Hashable, Sendable {
    fileprivate enum Value: Hashable { case io(IOError.Operation), sleep, blockingWork, tasks }

    fileprivate let value: Value

    private init(_ value: Value) { self.value = value }

    /// A socket, or its like, for this operation on it.
    public static func io(_ operation: IOError.Operation) -> Kind { Kind(.io(operation)) }
    /// A time.
    public static let sleep = Kind(.sleep)
    /// A call of `runBlocking` to return.
    public static let blockingWork = Kind(.blockingWork)
    /// Other tasks to end.
    public static let tasks = Kind(.tasks)
  }

  /// The kind of thing that it waits for.
  public let kind: Kind
  /// Which one it is: a peer's address, a time; `nil` if that is not known.
  public let subject: String?

  /// A wait for `subject`, which is of this kind.
  public init(_ kind: Kind, for subject: String? = nil) {
    self.kind = kind
    self.subject = subject
  }
}

extension TaskWait: CustomStringConvertible {
  /// For a person to read, with a task as its subject: "reads from 127.0.0.1:51244", "sleeps until 1.5 s".
  public var description: String {
    guard let subject else { return kind.description }
    return "\(kind) \(kind.preposition)\(subject)"
  }
}

extension TaskWait.Kind: CustomStringConvertible {
  /// For a person to read, with a task as its subject: "reads", "sleeps".
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

  /// What stands between the verb and what it is about.
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
