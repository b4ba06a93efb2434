const GREETINGS: Record<string, string> = { en: "Hello", fr: "Bonjour", sv: "Hej" };

export class UnknownLanguage extends Error {}

/** Return the greeting for a name in a language. */
export function greeting(name: string, language: string): string {
  const word = GREETINGS[language];
  if (word === undefined) throw new UnknownLanguage(`no greeting in ${language}`);
  return `${word}, ${name}!`;
}
