/** What a request names. */

type Given<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** The members that are there. */
export function given<T extends object>(members: T): Given<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<T>;
}
