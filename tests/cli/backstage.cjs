// Backstage's own checks of an entity that it reads into its catalogue, for test_backstage.py: a list of entities in, a list of verdicts out.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const installed = createRequire(`${process.cwd()}/`);
const model = installed("@backstage/catalog-model");
const { templateEntityV1beta3Validator } = installed("@backstage/plugin-scaffolder-common");
// In the order of the catalogue's own builder.
const policy = model.EntityPolicies.allOf([
  new model.SchemaValidEntityPolicy(),
  new model.DefaultNamespaceEntityPolicy(),
  new model.NoForeignRootFieldsEntityPolicy(),
  new model.FieldFormatEntityPolicy(),
]);

async function verdict(entity) {
  try {
    await policy.enforce(entity);
    return (await templateEntityV1beta3Validator.check(entity)) ? "a template" : "of another kind";
  } catch (error) {
    return error.message;
  }
}

Promise.all(JSON.parse(readFileSync(0, "utf8")).map(verdict)).then((verdicts) => console.log(JSON.stringify(verdicts)));
