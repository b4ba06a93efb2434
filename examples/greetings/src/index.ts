import { greeting, UnknownLanguage } from "./greeting";

interface Request {
  pathParameters: { name: string };
  queryStringParameters?: { language?: string };
}

interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

/** Greet whom the path names, in the language that the query names. */
export async function handler(request: Request): Promise<Answer> {
  const { name } = request.pathParameters;
  const language = request.queryStringParameters?.language ?? "en";
  try {
    return answer(200, { greeting: greeting(name, language) });
  } catch (problem) {
    if (!(problem instanceof UnknownLanguage)) throw problem;
    return answer(400, { error: problem.message });
  }
}

function answer(statusCode: number, body: object): Answer {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
