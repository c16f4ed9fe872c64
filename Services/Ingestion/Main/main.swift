import Ingestion
import ServiceKit

await ServiceMain.run(IngestionService.self)
