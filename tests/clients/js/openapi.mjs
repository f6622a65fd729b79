// Checks that what is served at a URL is a valid OpenAPI document, all of whose references lead somewhere.
// node openapi.mjs <url>
import SwaggerParser from "@apidevtools/swagger-parser";

const document = await (await fetch(process.argv[2])).json();
const { openapi } = await SwaggerParser.validate(document);
console.log(`OpenAPI ${openapi}`);
