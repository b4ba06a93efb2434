// Finds ES modules below NODE_PATH on versions of Node.js that lack `module.registerHooks`; see nodejs.cjs.

const parents = new URL(import.meta.url).searchParams.getAll("parent");

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND" || /^(\.|\/|[a-z]+:)/.test(specifier)) {
      throw error;
    }
    for (const parentURL of parents) {
      try {
        return await next(specifier, { ...context, parentURL });
      } catch {
        // the next one may have it
      }
    }
    throw error;
  }
}
