/// The names of the files on a simulated disk: those that programs see, and those that would survive a crash.
final class DiskDirectory {
  private let host: Int
  private(set) var files: [String: DiskFile] = [:]
  /// The names that certainly survive a crash: those after all changes before the first one in `changes`.
  private var durable: [String: DiskFile] = [:]
  /// The later changes, in order.
  private var changes: [Change] = []
  /// The number of changes.
  private(set) var changeCount = 0
  /// The number of files that have been created under each name.
  private var createdCounts: [String: Int] = [:]
  /// The number of operations.
  private var operationCount = 0

  private struct Change {
    let number: Int
    let edit: Edit
  }

  private enum Edit {
    case new(DiskFile)
    case rename(String, to: String)
    case removal(String)

    func apply(to files: inout [String: DiskFile]) {
      switch self {
      case .new(let file): files[file.name] = file
      case .rename(let name, let other): if let file = files.removeValue(forKey: name) { files[other] = file }
      case .removal(let name): files[name] = nil
      }
    }
  }

  init(host: Int) { self.host = host }

  /// Returns the file of this name, and creates it if there is none.
  func findOrCreateFile(named name: String) -> DiskFile {
    if let file = files[name] { return file }
    let file = DiskFile(name, on: host, number: createdCounts[name, default: 0])
    createdCounts[name, default: 0] += 1
    change(.new(file))
    return file
  }

  func rename(_ name: String, to other: String) { change(.rename(name, to: other)) }

  func remove(_ name: String) { change(.removal(name)) }

  private func change(_ edit: Edit) {
    edit.apply(to: &files)
    changeCount += 1
    changes.append(Change(number: changeCount, edit: edit))
  }

  /// Makes the first `count` changes survive crashes.
  func sync(_ count: Int) {
    let settled = changes.prefix { $0.number <= count }
    for change in settled { change.edit.apply(to: &durable) }
    changes.removeFirst(settled.count)
  }

  /// Returns the place of the next operation.
  func nextOperation() -> Fault.Place {
    operationCount += 1
    return Fault.Place(owner: host, occasion: operationCount)
  }

  /// Reduces the names to what a crash leaves of them: all changes before the first lost one, as in a file system with
  /// a journal. Then does the same for the files, in the order of their names.
  func crash(_ network: SimulatedNetwork) {
    files = durable
    for change in changes {
      let place = Fault.Place(owner: host, position: change.number)
      if network.fault(.lostName, network.faults.plan.lostNames, at: place) != nil { break }
      change.edit.apply(to: &files)
    }
    durable = files
    changes = []
    for (_, file) in files.sorted(by: { $0.key < $1.key }) { file.crash(network) }
  }
}
