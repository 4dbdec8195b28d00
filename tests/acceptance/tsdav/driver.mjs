/*
The library tsdav, driven by one JSON command a line, with one JSON answer a line.

    node driver.mjs DIRECTORY METHOD

DIRECTORY has tsdav in its node_modules. METHOD is how changes are asked for: `webdav` is sync-collection, `basic` the
ctag and then a listing. A command is an object: `do` names a function of `device`, the rest are its arguments. An answer
is {"result": …} or {"error": "…"}. The device keeps its copy of one address book as long as this program runs.
*/

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const [directory, method] = process.argv.slice(2);
const { DAVClient } = createRequire(join(directory, "package.json"))("tsdav");

const uidOf = (card) => /^UID:(.*?)\r?$/m.exec(card.data)[1];

class Device {
    async discover({ url, login, password }) {
        const credentials = { username: login, password };
        const client = new DAVClient({ serverUrl: url, credentials, authMethod: "Basic", defaultAccountType: "carddav" });
        await client.login();
        this.client = client;
        return (await client.fetchAddressBooks()).map((book) => ({ href: book.url, name: book.displayName }));
    }

    async open({ href }) {
        this.href = href;
        await this.startAgain();
    }

    /* The token and the ctag are read before the cards: what changes in between comes once more, and is not missed. */
    async startAgain() {
        const found = (await this.client.fetchAddressBooks()).find((book) => book.url === this.href);
        this.book = {
            ...found,
            objects: await this.client.fetchVCards({ addressBook: found }),
            objectMultiGet: (request) => this.client.addressBookMultiGet(request),
            fetchObjects: (request) => this.client.fetchVCards({ addressBook: request.collection }),
        };
    }

    /* A token that is refused makes the library throw; it is then for its user to start again. */
    async refresh() {
        try {
            this.book = await this.client.smartCollectionSync({ collection: this.book, method, account: this.client.account });
        } catch (error) {
            if (!/^Collection sync failed: (400|403) /.test(error.message)) {
                throw error;
            }
            await this.startAgain();
            return "started again";
        }
        return "went on";
    }

    async contacts() {
        return Object.fromEntries(this.book.objects.map((card) => [uidOf(card), card.data]));
    }

    async add({ name, text }) {
        await this.done(this.client.createVCard({ addressBook: this.book, filename: name, vCardString: text }));
    }

    async edit({ uid, text }) {
        await this.done(this.client.updateVCard({ vCard: { ...this.card(uid), data: text } }));
    }

    async remove({ uid }) {
        await this.done(this.client.deleteVCard({ vCard: this.card(uid) }));
    }

    async forget({ token }) {
        this.book = { ...this.book, syncToken: token, ctag: token };
    }

    card(uid) {
        return this.book.objects.find((card) => uidOf(card) === uid);
    }

    async done(answering) {
        const answer = await answering;
        if (!answer.ok) {
            throw new Error(`${answer.status} ${await answer.text()}`);
        }
    }
}

const device = new Device();
for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...given } = JSON.parse(line);
    let answer;
    try {
        answer = { result: (await device[name](given)) ?? null };
    } catch (error) {
        answer = { error: error.message };
    }
    console.log(JSON.stringify(answer));
}
