/** The list that was looked at last: from a document one comes back to it as it was. */
import { ref } from "vue";
import { links } from "../shell/route";

export const lastList = ref(links.documents());
