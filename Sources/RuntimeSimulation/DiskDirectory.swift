/// The names of the files on a simulated disk, as programs see them, and what of them would survive a crash.
final class DiskDirectory {
  private let host: Int
  private(set) var files: [String: DiskFile] = [:]
  /// The names that are there after a crash at least, as far as they go: all changes up to the first in `changes`.
  private var durable: [String: DiskFile] = [:]
  /// The changes that came after that, in their order.
  private var changes: [Change] = []
  /// How many changes there have been.
  private(set) var changeCount = 0
  /// How many files of each name have been made.
  private var madeCounts: [String: Int] = [:]
  /// How many operations there have been.
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

  /// The file of this name, which is made if there is none.
  func file(making name: String) -> DiskFile {
    if let file = files[name] { return file }
    let file = DiskFile(name, on: host, number: madeCounts[name, default: 0])
    madeCounts[name, default: 0] += 1
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

  /// Has the first `count` changes survive whatever comes.
  func sync(_ count: Int) {
    let settled = changes.prefix { $0.number <= count }
    for change in settled { change.edit.apply(to: &durable) }
    changes.removeFirst(settled.count)
  }

  /// Where its next operation is.
  func nextOperation() -> Fault.Place {
    operationCount += 1
    return Fault.Place(owner: host, occasion: operationCount)
  }

  /// Leaves of the names what the seed has a crash leave: as many changes as come before the first that is lost, as a journal
  /// keeps them. Then it is the files' turn, in the order of their names.
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
