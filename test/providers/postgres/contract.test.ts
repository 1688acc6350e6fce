import { providerContract } from "../contract.ts";
import { startPostgresStage } from "./stage.ts";

providerContract("postgres", startPostgresStage);
