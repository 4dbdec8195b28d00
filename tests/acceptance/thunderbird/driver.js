// What somebody does in Thunderbird's address book, in its own windows and with its own code.
//
// `driver` has a function for each; all are given and return plain values. An address book is named by its UID, as is
// a contact. Where Thunderbird starts something without waiting for it, the functions wait for its end.
"use strict";

const module = name => ChromeUtils.importESModule(`resource:///modules/${name}.sys.mjs`);
const { MailServices } = module("MailServices");
const { CardDAVDirectory } = module("CardDAVDirectory");
const { DNS } = module("DNS");
const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");

// It looks up where a domain says that its address books are. Nothing may leave this machine, and nothing is said.
for (const kind of ["srv", "txt", "mx"]) {
  DNS[kind] = async () => [];
}

const report = { waitingFor: "" };

/** Wait, however long, until `condition` returns something, and return that. */
async function until(what, condition) {
  report.waitingFor = what;
  for (;;) {
    const found = condition();
    if (found) {
      report.waitingFor = "";
      return found;
    }
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** Do `action`, which makes Thunderbird call an asynchronous method of `object`, and wait for how that ends. */
async function untilEnded(object, method, action) {
  const own = Object.hasOwn(object, method);
  const original = object[method];
  let started = null;
  object[method] = function (...given) {
    started = original.apply(this, given);
    return started;
  };
  try {
    await action();
    await until(`a call of ${method}`, () => started);
  } finally {
    if (own) {
      object[method] = original;
    } else {
      delete object[method];
    }
  }
  report.waitingFor = `the end of ${method}`;
  await started;
  report.waitingFor = "";
}

/** Wait for the next question in a window of its own, fill it in and confirm it. */
function answerQuestion(fill) {
  const observer = {
    observe(subject) {
      Services.obs.removeObserver(observer, "common-dialog-loaded");
      // It says so while it is still getting ready.
      setTimeout(() => {
        fill(subject.Dialog.ui);
        subject.document.querySelector("dialog").getButton("accept").click();
      }, 0);
    },
  };
  Services.obs.addObserver(observer, "common-dialog-loaded");
}

/** Do `action`, which makes Thunderbird fetch a calendar, and wait until it is there. */
async function untilLoaded(calendar, action) {
  let end = "";
  const observer = { QueryInterface: ChromeUtils.generateQI(["calIObserver"]) };
  for (const name of ["StartBatch", "EndBatch", "AddItem", "ModifyItem", "DeleteItem", "PropertyChanged", "PropertyDeleting"]) {
    observer[`on${name}`] = () => {};
  }
  observer.onLoad = () => (end ||= "loaded");
  observer.onError = (_calendar, _number, message) => (end = `${message}`);
  calendar.addObserver(observer);
  try {
    action();
    await until("the calendar", () => end);
  } finally {
    calendar.removeObserver(observer);
  }
  if (end != "loaded") {
    throw new Error(end);
  }
}

function directory(book) {
  return CardDAVDirectory.forFile(MailServices.ab.getDirectoryFromUID(book).fileName);
}

async function addressBookTab() {
  const main = await until("the main window", () => {
    const found = Services.wm.getMostRecentWindow("mail:3pane");
    return found?.document.readyState == "complete" && found.tabmail?.currentTabInfo && found;
  });
  const tab = await main.toAddressBook();
  await until("the address book tab", () => tab.document.readyState == "complete" && tab.booksList && tab.detailsPane);
  return tab;
}

async function display(tab, book, contact) {
  await until("the end of an earlier edit", () => !tab.detailsPane.isEditing);
  const card = directory(book).getCard(contact);
  tab.commandController.doCommand("cmd_displayContact", card);
  await until("the contact", () => tab.detailsPane.currentCard?.UID == contact);
}

/** Return the inputs of the editor for a property: where there are several, in their order. */
function inputs(tab, property) {
  const place = property == "email" ? "#vcard-email" : `#editContactForm vcard-${property}`;
  return Array.from(tab.document.querySelectorAll(`${place} :is(input:not([type=checkbox]), textarea)`));
}

/** Type what `changes` say, a list of [property, what it says now, what it is to say], empty for nothing. */
function type(tab, changes) {
  for (const [property, before, after] of changes) {
    const find = () => inputs(tab, property).find(input => input.value == before);
    if (!find() && !before) {
      tab.document.getElementById(`vcard-add-${property}`).click();
    }
    const input = find();
    if (!input) {
      const values = inputs(tab, property).map(other => other.value);
      throw new Error(`no ${property} says ${before}, but ${values}`);
    }
    input.value = after;
    input.dispatchEvent(new tab.Event("input", { bubbles: true }));
  }
}

async function save(tab, book) {
  await untilEnded(directory(book), "_sendCardToServer", () => tab.document.getElementById("saveEditButton").click());
}

globalThis.report = report;
globalThis.driver = {
  /** File > New > CardDAV Address Book: return the UID of the one address book that there is to add, when it is filled. */
  async addAccount(location, username, password) {
    const tab = await addressBookTab();
    tab.createBook(Ci.nsIAbManager.CARDDAV_DIRECTORY_TYPE);
    const dialog = await until("the dialog", () => {
      const found = tab.SubDialog._topDialog?._frame?.contentWindow;
      return found?.document.readyState == "complete" && found.uiElements?.availableBooks && found;
    });
    const { username: login, location: address, statusArea, statusMessage, resultsArea, availableBooks } = dialog.uiElements;
    login.value = username;
    address.value = location;
    const accept = dialog.document.querySelector("dialog").getButton("accept");
    answerQuestion(question => {
      question.password1Textbox.value = password;
    });
    accept.click();
    await until("address books", () => !resultsArea.hidden || statusArea.getAttribute("status") == "error");
    if (resultsArea.hidden || availableBooks.children.length != 1) {
      throw new Error(`${statusMessage.dataset.l10nId}: ${availableBooks.children.length} address books`);
    }
    const before = new Set(MailServices.ab.directories.map(other => other.UID));
    await untilEnded(CardDAVDirectory.prototype, "fetchAllFromServer", () => accept.click());
    return MailServices.ab.directories.map(other => other.UID).find(uid => !before.has(uid));
  },

  removeAccount(book) {
    MailServices.ab.deleteAddressBook(directory(book).URI);
  },

  describe(book) {
    const found = directory(book);
    return { name: found.dirName, url: found.getStringValue("carddav.url", ""), readOnly: found.readOnly };
  },

  contacts(book) {
    return directory(book).childCards.map(card => ({
      uid: card.UID,
      href: card.getProperty("_href", ""),
      etag: card.getProperty("_etag", ""),
      name: card.displayName,
      photo: card.photoURL,
      vcard: card.getProperty("_vCard", ""),
      values: card.vCardProperties.entries.map(entry => [entry.name, [entry.value].flat(2).join(";")]),
    }));
  },

  /** Synchronize, in the menu of the address book. */
  async synchronize(book) {
    await directory(book).syncWithServer();
  },

  async edit(book, contact, changes) {
    const tab = await addressBookTab();
    await display(tab, book, contact);
    tab.document.getElementById("editButton").click();
    await until("the editor", () => tab.detailsPane.isEditing);
    type(tab, changes);
    await save(tab, book);
  },

  /** New Contact, in the address book: return its UID. */
  async create(book, changes) {
    const tab = await addressBookTab();
    await until("the end of an earlier edit", () => !tab.detailsPane.isEditing);
    tab.booksList.selectedIndex = tab.booksList.getIndexForUID(book);
    const before = new Set(directory(book).childCards.map(card => card.UID));
    tab.document.getElementById("booksPaneCreateContact").click();
    await until("the editor", () => tab.detailsPane.isEditing);
    type(tab, changes);
    await save(tab, book);
    return directory(book).childCards.map(card => card.UID).find(uid => !before.has(uid));
  },

  async remove(book, contact) {
    const tab = await addressBookTab();
    await display(tab, book, contact);
    tab.detailsPane.editCurrent();
    await until("the editor", () => tab.detailsPane.isEditing);
    answerQuestion(() => {});
    await untilEnded(directory(book), "_deleteCards", () => tab.document.getElementById("detailsDeleteButton").click());
  },

  /** New Calendar > On the Network: return the id of the calendar, when it is filled. */
  async subscribe(address) {
    const calendar = cal.manager.createCalendar("ics", Services.io.newURI(address));
    calendar.name = "Days";
    calendar.setProperty("cache.enabled", false);
    await untilLoaded(calendar, () => cal.manager.registerCalendar(calendar));
    return calendar.id;
  },

  /** Reload, in the menu of the calendar. */
  async reload(id) {
    const calendar = cal.manager.getCalendarById(id);
    await untilLoaded(calendar, () => calendar.refresh());
  },

  unsubscribe(id) {
    cal.manager.removeCalendar(cal.manager.getCalendarById(id));
  },

  /** What stands in the calendar from one day until another, which are written such as 20270101. */
  async days(id, first, end) {
    const all = Ci.calICalendar.ITEM_FILTER_ALL_ITEMS | Ci.calICalendar.ITEM_FILTER_CLASS_OCCURRENCES;
    const [from, until] = [first, end].map(day => cal.createDateTime(day));
    const found = await cal.manager.getCalendarById(id).getItemsAsArray(all, 0, from, until);
    return found.map(item => [item.title, item.startDate.icalString, item.startDate.isDate]);
  },

  token(book) {
    return directory(book).getStringValue("carddav.token", "");
  },

  setToken(book, token) {
    directory(book).setStringValue("carddav.token", token);
  },
};
