import Glibc
package import Storage
package import ZeroMQ

/// The secret keys of partners that this machine plays: `<folder>/<partner>.key`.
///
/// They stand apart from the deployment's own `keys/`: in earnest each lies with its partner.
package struct PartnerKeys {
    let folder: String

    package init(folder: String) { self.folder = folder }

    /// `<data>/partner-keys`.
    package init(of data: DataFolder) { folder = "\(data.path)/partner-keys" }

    func path(of partner: String) -> String { "\(folder)/\(partner).key" }

    /// The key pair of `partner`, which must be there.
    package func keys(of partner: String) throws -> CurveKeys {
        let path = path(of: partner)
        do {
            return try CurveKeys.load(from: path)
        } catch  where error.code == ENOENT {
            throw Failure(
                .configuration,
                "there is no key of \(partner) at \(path): `greenctl city load` makes those of a "
                    + "city, or name their folder with --keys")
        } catch {
            throw Failure(.configuration, "the key of \(partner) cannot be used: \(error)")
        }
    }

    /// The key pair in the file at `path`, made if there is no such file.
    ///
    /// A pair that is there is kept: an order that failed half-way can be given again.
    static func pair(at path: String) throws -> CurveKeys {
        do {
            return try CurveKeys.load(from: path)
        } catch  where error.code == ENOENT {
            do {
                let keys = try CurveKeys.generate()
                try keys.save(to: path)
                return keys
            } catch {
                throw Failure(.configuration, "no key pair could be made at \(path): \(error)")
            }
        } catch {
            throw Failure(.configuration, "\(path) is there and holds no usable key: \(error)")
        }
    }
}
