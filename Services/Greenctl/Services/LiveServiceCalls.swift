import Messages
import ServiceKit
import Storage
import Streams
import ZeroMQ

/// Requests over the endpoints that running services wrote down, a socket for each service.
final class LiveServiceCalls: ServiceCalls {
    private let folder: DataFolder
    private var context: Context?
    private var clients: [ServiceName: RequestClient] = [:]

    init(in folder: DataFolder) { self.folder = folder }

    func call<R: Request>(_ service: ServiceName, _ request: R, key: [UInt8]?) throws -> R.Reply {
        let client = try clients[service] ?? open(service)
        clients[service] = client
        do {
            return try client.call(request, key: key)
        } catch let failure as RequestFailure {
            // The next request finds out anew where the service is.
            clients[service] = nil
            throw Failure(failure, of: service)
        }
    }

    private func open(_ service: ServiceName) throws -> RequestClient {
        let file = try RunFile.load(service, in: folder)
        let context = try context ?? Context()
        self.context = context
        return RequestClient(
            context: context, endpoint: try file.endpoint("request", in: folder),
            caller: "greenctl")
    }
}

extension Failure {
    /// A request's failure in the operator's words.
    init(_ failure: RequestFailure, of service: ServiceName) {
        let name = service.rawValue
        switch failure {
        case .refused(let code, let message), .invalid(let code, let message):
            self.init(.refused, "\(message) (\(code))", code: code)
        case .conflict(let message):
            self.init(.refused, "\(message) (conflict)")
        case .busy:
            self.init(.unreachable, "\(name) is busy: try again in a moment")
        case .unavailable(let message):
            self.init(.unreachable, "\(name) cannot do this now: \(message)")
        case .noAnswer:
            self.init(
                .unreachable,
                "\(name) runs and does not answer: look at its log, or restart it with `make up`")
        }
    }
}
